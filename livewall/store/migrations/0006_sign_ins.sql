-- With which token or sign-in a sign-in, or a link that makes one, was made: it does not outlive that one's revocation.
ALTER TABLE credentials ADD COLUMN parent TEXT;
ALTER TABLE logins ADD COLUMN parent TEXT;
CREATE INDEX credentials_by_parent ON credentials (parent);
