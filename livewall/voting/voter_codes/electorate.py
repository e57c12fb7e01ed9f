"""The identities in a poll with codes: hashes of codes, of the voters bound to them, and of their holders."""

from __future__ import annotations

from livewall.errors import Refused
from livewall.identity import Secrets, keyed
from livewall.names import voting_code
from livewall.store.transaction import Transaction
from livewall.voting import rows
from livewall.voting.poll import Poll
from livewall.voting.voter_codes import codes


class Electorate:
    """Computes what is stored instead of codes and voters. All hashes are keyed with the secret of the data folder."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def code_hash(self, wall: str, typed: str) -> bytes:
        """Return the hash under which a code is stored."""
        return keyed(self._secrets.ballot, f"code:{wall}:{voting_code(typed)}".encode())[:16]

    def bound_hash(self, wall: str, voter: str) -> bytes:
        """Return the hash under which a bound voter is stored; it differs from wall to wall."""
        return self._secrets.stored_voter(f"walls/{wall}", voter)

    def holder_hash(self, poll: str, wall: str, number: int) -> bytes:
        """Return the voter under which a holder's ballots are stored. No voter's own id has a slash."""
        return self._secrets.stored_voter(poll, f"{wall}/{number}")

    def claim(self, tx: Transaction, poll: Poll, voter: str, code: str | None) -> codes.Claim:
        """Return the holder for whom a ballot is cast. Changes nothing. Raises Refused (`bad_code`, `code_used`)."""
        if poll.wall is None:
            raise Refused("bad_code", "the wall whose codes this poll uses no longer exists")
        code_hash = self.code_hash(poll.wall, code) if code else None
        return codes.claim(tx, poll.wall, self.bound_hash(poll.wall, voter), code_hash)

    def bind(self, tx: Transaction, poll: Poll, voter: str, claim: codes.Claim) -> None:
        assert poll.wall is not None
        codes.bind(tx, poll.wall, claim.number, self.bound_hash(poll.wall, voter))

    def stored_voter(self, asks: rows.Asks, poll: str, wall: str | None, voter: str) -> tuple[bytes | None, bool]:
        """Return the voter under which ballots of `voter` are stored in a poll with codes, None before it is bound; and
        whether it may cast without sending a code."""
        own = codes.bound(asks, wall, self.bound_hash(wall, voter)) if wall is not None else None
        if own is None or wall is None:
            return None, False
        return self.holder_hash(poll, wall, own[0]), not own[1]
