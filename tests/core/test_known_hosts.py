"""Files of known host keys, as OpenSSH has them."""

from __future__ import annotations

import stat
import subprocess
import threading
from pathlib import Path

import pytest

from livewall.tasks.connector.known_hosts import Known, NotAKey, accept, fingerprint, lookup, read

ONE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGyZvWkuCGQDcJ/vRHVqQn7xdyXYQY7OcM9vGmSlhk8t"
TWO = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
RSA = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ=="


def test_a_host_is_found_by_its_name_address_and_port() -> None:
    text = f"# mine\n\nweb1,10.0.0.1 {ONE} a comment\n[web1]:2222 {TWO}\nWEB3 {RSA}\n"
    assert lookup(text, "web1", 22) == Known((ONE,), ())
    assert lookup(text, "10.0.0.1", 22).keys == (ONE,)
    assert lookup(text, "web1", 2222).keys == (TWO,)
    assert lookup(text, "Web3", 22).keys == (RSA,)
    assert lookup(text, "10.0.0.1", 2222).keys == ()
    assert lookup(text, "web", 22).keys == lookup(text, "web11", 22).keys == ()


def test_patterns_match_and_a_negated_one_wins() -> None:
    text = f"*.example.org,!old.example.org {ONE}\n10.0.0.? {TWO}\n[10.0.*]:22?? {RSA}\n"
    assert lookup(text, "web.example.org", 22).keys == (ONE,)
    assert lookup(text, "old.example.org", 22).keys == ()
    assert lookup(text, "10.0.0.7", 22).keys == (TWO,)
    assert lookup(text, "10.0.0.77", 22).keys == ()
    assert lookup(text, "10.0.0.77", 2222).keys == (RSA,)


def test_a_name_that_was_hashed_is_found(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"web1 {ONE}\n[web1]:2222 {TWO}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, capture_output=True)
    text = path.read_text()
    assert "web1" not in text and text.startswith("|1|")
    assert lookup(text, "web1", 22).keys == (ONE,)
    assert lookup(text, "web1", 2222).keys == (TWO,)
    assert lookup(text, "web2", 22).keys == ()


def test_a_revoked_key_is_told_apart() -> None:
    text = f"web1 {ONE}\n@revoked * {TWO}\n@cert-authority *.example.org {ONE}\n"
    assert lookup(text, "web1", 22) == Known((ONE,), (TWO,))
    assert lookup(text, "web.example.org", 22) == Known((), (TWO,))


def test_a_damaged_line_hides_no_other() -> None:
    text = f"web1\nweb1 ssh-ed25519\n|1|x|y {TWO}\n|1|only {TWO}\n\0\nweb1 {ONE}"
    assert lookup(text, "web1", 22).keys == (ONE,)


def test_a_file_that_does_not_exist_knows_nobody(tmp_path: Path) -> None:
    assert read(tmp_path / "none", "web1", 22) == Known((), ())


def test_a_fingerprint_is_that_of_ssh_keygen(tmp_path: Path) -> None:
    path = tmp_path / "key.pub"
    path.write_text(f"{ONE}\n")
    shown = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True, capture_output=True, text=True).stdout
    assert fingerprint(ONE) == shown.split()[1]
    assert fingerprint(f"{ONE} a comment") == fingerprint(ONE)


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 !", f"ssh-rsa {ONE.split()[1]}", "ssh-ed25519 AAAA"])
def test_what_is_no_key_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(NotAKey):
        fingerprint(text)
    with pytest.raises(NotAKey):
        accept(tmp_path / "known_hosts", "web1", 22, text)
    assert not (tmp_path / "known_hosts").exists()


def test_a_key_is_added_once_and_what_was_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "below" / "known_hosts"
    accept(path, "Web1", 22, f"{ONE} comment")
    assert path.read_text() == f"web1 {ONE}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text(f"# mine\nweb9 {TWO}")  # without an end of line
    for _ in range(2):
        accept(path, "web1", 2222, ONE)
    assert path.read_text() == f"# mine\nweb9 {TWO}\n[web1]:2222 {ONE}\n"


def test_keys_that_are_added_side_by_side_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    threads = [threading.Thread(target=accept, args=(path, f"web{n % 10}", 22, ONE)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.read_text().splitlines()) == sorted(f"web{n} {ONE}" for n in range(10))
