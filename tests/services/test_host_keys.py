"""Whom a connection trusts, and by which key it logs in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from far_steps import Far
from sshd import Sshd, far_files, fingerprint, keygen, need_sshd

from livewall.tasks.connector.known_hosts import accept

pytest_plugins = ("far_fixtures",)


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    need_sshd()
    with Sshd(tmp_path) as server:
        yield server


# Host keys.


def test_nothing_is_done_on_a_host_whose_key_is_unknown_until_it_is_accepted(far: Far, sshd: Sshd) -> None:
    sshd.stop()
    sshd.more = "LogLevel VERBOSE"
    sshd.start()
    shown = fingerprint(sshd.folder / "host_ed25519.pub")
    found = far.run(sshd, argv=["touch", str(sshd.home / "ran")])
    assert (found.status, found.reason) == (1, f"the host key of web1 is unknown: {shown}")
    assert found.host_key == {"fingerprint": shown, "algorithm": "ssh-ed25519", "key": sshd.host_key}
    assert not (sshd.home / "ran").exists() and not far_files(sshd.home)
    log = (sshd.folder / "log").read_text()
    assert "Accepted" not in log and "Postponed" not in log and f"for {sshd.user}" not in log
    assert far.run(sshd, "ssh_upload", **{"from": upload(far), "to": str(sshd.home / "f")}).host_key
    accept(sshd.known_hosts, sshd.address, sshd.port, found.host_key["key"])
    found = far.run(sshd, argv=["touch", str(sshd.home / "ran")])
    assert found.status == 0 and found.host_key is None
    assert (sshd.home / "ran").exists()


def upload(far: Far) -> str:
    (far.work / "f").write_text("text")
    return "f"


def test_a_changed_key_fails_and_says_both(far: Far, sshd: Sshd) -> None:
    sshd.known_hosts.write_text(f"# a comment\n\nother {sshd.host_key}\n")
    sshd.learn()
    before = fingerprint(sshd.folder / "host_ed25519.pub")
    sshd.restart(key=True)
    after = fingerprint(sshd.folder / "host_ed25519.pub")
    found = far.run(sshd, argv=["touch", str(sshd.home / "ran")])
    assert found.reason == (
        f"the host key of web1 has changed: it is {after}, and {before} is known; "
        "if that is right, remove line 4 of known_hosts and retry"
    )
    assert found.status == 1 and found.host_key is None and not (sshd.home / "ran").exists()


def test_another_type_of_key_is_no_way_around_the_one_that_is_known(far: Far, sshd: Sshd) -> None:
    sshd.learn()
    sshd.stop()
    sshd.make_host_key("ecdsa")
    sshd.start()
    found = far.run(sshd, argv=["true"])
    assert "has changed" in found.reason and found.host_key is None
    assert found.reason.endswith("if that is right, remove line 1 of known_hosts and retry")
    subprocess.run(["sed", "-i", "1d", sshd.known_hosts], check=True)
    assert far.run(sshd, argv=["true"]).host_key, "it waits for somebody who trusts the new one"


def test_of_several_keys_the_server_is_asked_for_one_that_is_known(far: Far, sshd: Sshd) -> None:
    sshd.stop()
    key = sshd.make_host_key("rsa")
    sshd.make_host_key("ed25519")
    sshd.more = f"HostKey {sshd.folder}/host_rsa"
    sshd.start()
    accept(sshd.known_hosts, sshd.address, sshd.port, key)
    assert far.run(sshd, argv=["true"]).reason == ""


def test_names_that_are_hashed_are_known(far: Far, sshd: Sshd) -> None:
    sshd.learn()
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", sshd.known_hosts], check=True, capture_output=True)
    assert far.run(sshd, argv=["true"]).status == 0


def test_a_revoked_key_is_refused(far: Far, sshd: Sshd) -> None:
    sshd.learn()
    with sshd.known_hosts.open("a") as file:
        file.write(f"@revoked * {sshd.host_key}\n")
    found = far.run(sshd, argv=["true"])
    assert found.reason.startswith("the host key of web1 is revoked: SHA256:") and found.host_key is None


# Keys to log in with.


def refused(far: Far, sshd: Sshd, **host: object) -> str:
    sshd.learn()
    found = far.run(sshd, argv=["true"], host=sshd.host(**host))
    assert found.status == 1
    assert str(sshd.folder) not in found.reason and b"PRIVATE" not in found.log
    return found.reason


def test_a_key_file_that_others_can_read_is_refused(far: Far, sshd: Sshd) -> None:
    sshd.key.chmod(0o644)
    assert refused(far, sshd) == (
        "the key file id can be used by others (mode 0644): take the rights of others away (chmod 600)"
    )


def test_a_key_with_a_passphrase_is_refused(far: Far, sshd: Sshd) -> None:
    keygen(sshd.folder / "locked", passphrase="hunter2")
    assert refused(far, sshd, key=str(sshd.folder / "locked")) == (
        "the key file locked is protected by a passphrase: use an agent (agent = true) and ssh-add locked"
    )
    command = ["ssh-keygen", "-q", "-t", "rsa", "-m", "PEM", "-N", "hunter2", "-f", sshd.folder / "old"]
    subprocess.run(command, check=True)
    assert "protected by a passphrase" in refused(far, sshd, key=str(sshd.folder / "old"))


def test_a_key_file_that_is_none_says_so(far: Far, sshd: Sshd) -> None:
    assert refused(far, sshd, key=str(sshd.folder / "absent")) == "the key file absent does not exist"
    (sshd.folder / "text").write_text("secret words")
    (sshd.folder / "text").chmod(0o600)
    assert refused(far, sshd, key=str(sshd.folder / "text")) == "the key file text holds no private key"
    assert refused(far, sshd, key=str(sshd.folder)) == f"the key file {sshd.folder.name} is not a file"
    shown = refused(far, sshd, key=f"{sshd.key}.pub")
    assert shown.startswith("the key file id.pub can be used by others")


def test_a_key_that_the_host_does_not_know_is_refused_at_once(far: Far, sshd: Sshd) -> None:
    keygen(sshd.folder / "other")
    shown = refused(far, sshd, key=str(sshd.folder / "other"))
    assert shown == f"web1 refuses the login of {sshd.user}: none of its keys is accepted"


def test_without_a_key_the_usual_ones_are_used(far: Far, sshd: Sshd, tmp_path: Path) -> None:
    shown = refused(far, sshd, key=None)
    assert shown == "there is no key: name a key file, use an agent, or make ~/.ssh/id_ed25519 with ssh-keygen"
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_bytes(sshd.key.read_bytes())
    (tmp_path / ".ssh" / "id_ed25519").chmod(0o600)
    assert far.run(sshd, argv=["true"], host=sshd.host(key=None)).status == 0


def test_an_agent_is_used_where_that_is_asked_for(sshd: Sshd, tmp_path: Path) -> None:
    sshd.learn()
    agent = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(agent)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            far = Far(tmp_path, agent=str(agent))
            asked = {"argv": ["true"], "host": sshd.host(key=None)}
            try:
                found = far.run(sshd, **asked, ssh=sshd.ssh(agent=True))
                assert found.reason == "the agent holds no key: ssh-add it"
                env = {**os.environ, "SSH_AUTH_SOCK": str(agent)}
                subprocess.run(["ssh-add", "-q", sshd.key], check=True, env=env)
                assert far.run(sshd, **asked, ssh=sshd.ssh(agent=True)).status == 0
                assert "there is no key" in far.run(sshd, **asked).reason, "not where it is not asked for"
            finally:
                far.close()
        finally:
            process.terminate()


def test_an_agent_that_does_not_run_is_said(far: Far, sshd: Sshd) -> None:
    sshd.learn()
    found = far.run(sshd, argv=["true"], host=sshd.host(key=None), ssh=sshd.ssh(agent=True))
    assert found.reason == "no agent runs for the server: SSH_AUTH_SOCK is not set"
