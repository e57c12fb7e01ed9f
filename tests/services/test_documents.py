"""Each block of README and docs works as it stands, in order, for somebody who copies it.

The blocks of a page are run in one shell of a new user, those of README in one for each `##` section. Blocks of
configuration are checked by the command that reads them.
"""

import os
import re

import pytest
from documents import DOCUMENTS, FOLLOWS, ROOT, Shell, blocks, commands, why_not
from missing import missing

ALL = [block for path in DOCUMENTS for block in blocks(path)]
SHELL = [block for block in ALL if block.language == "sh"]

NOT_RUN = {
    ("README.md", "Install"): "it installs from a checkout; tests/services/test_wheel.py does that",
    ("README.md", "Working on it"): "what runs this test; tests/services/test_demo.py has the demo",
    ("docs/containers.md", ""): "it needs a container engine",
    ("docs/architecture.md", ""): "a tree of files",
    ("docs/upgrading.md", ""): "it puts back what a migration has left; tests/core/test_upgrade.py does that",
}
LONG = ("livewall rehearse",)
"""Commands that take minutes: `make torture` runs them, tests/services/test_rehearse.py smaller ones."""


def place(block):
    return (block.document, block.section if block.document == "README.md" else "")


PLACES = list(dict.fromkeys(place(block) for block in ALL if block.language in ("sh", "python")))


def test_a_block_that_is_not_run_is_known_and_there():
    assert set(NOT_RUN) <= {place(block) for block in ALL}
    known = {"sh", "python", "toml", "markdown", "text"}
    unknown = [block for block in ALL if block.language not in known and place(block) not in NOT_RUN]
    assert not unknown, f"nothing runs {', '.join(map(str, unknown))}"


def test_commands_are_taken_apart_as_a_shell_would():
    assert commands("a=$(b |\n  c)\n# why\nd \\\n  e &\ncat > f <<'END'\ng (\nEND\n") == [
        "a=$(b |\n  c)",
        "d \\\n  e &",
        "cat > f <<'END'\ng (\nEND",
    ]


@pytest.fixture
def shell(tmp_path):
    if (lacks := why_not()) is not None:
        missing(lacks)
    made = Shell(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("here", [here for here in PLACES if here not in NOT_RUN], ids=" ".join)
def test_every_block_works_as_it_stands(shell, here):
    for block in (block for block in ALL if place(block) == here):
        if block.language == "python":
            (shell.home / "program.py").write_text(block.text)
            works(shell, block, 'python "$HOME/program.py"')
        elif block.language == "sh":
            for command in commands(block.text):
                if command.startswith(LONG) and not os.environ.get("LIVEWALL_TORTURE"):
                    continue
                works(shell, block, command)


def works(shell, block, command):
    run = shell.follow if FOLLOWS.search(command) else shell.run
    status, printed = run(command)
    assert status == 0, f"{block}: {command}\n{shell.said}"
    assert "Traceback" not in printed, f"{block}: {command}\n{shell.said}"


@pytest.mark.parametrize("block", [block for block in ALL if block.language == "toml"], ids=str)
def test_a_definition_in_the_text_passes_the_check(shell, block):
    name = re.search(r"# (\S+\.toml)$", block.text, re.MULTILINE)
    file = shell.home / (name[1] if name else "pipeline.toml")
    file.write_text(block.text)
    (shell.home / "hosts.toml").write_text('web = ["web1.example.org"]\n')  # the inventory that recipes name
    check = "config --config" if file.name == "livewall.toml" else "pipeline check"
    works(shell, block, f"livewall {check} {file}")


@pytest.mark.parametrize("block", [block for block in ALL if block.language in ("markdown", "text")], ids=str)
def test_a_deck_in_the_text_passes_the_check(shell, block):
    (shell.home / "deck.md").write_text(block.text)
    works(shell, block, "livewall poll import deck.md --check")


def test_a_command_of_the_text_names_no_option_that_is_not_there():
    """Also of those that are not run here."""
    from click import Command, Group

    from livewall.cli import livewall

    for block in SHELL:
        for line in block.text.splitlines():
            line = line.partition(" #")[0].partition("|")[0]
            words = line.split()
            if words[:1] != ["livewall"]:
                continue
            command: Command = livewall
            for word in words[1:]:
                if not isinstance(command, Group):
                    break
                command = command.get_command(None, word) or command  # type: ignore[arg-type]
            options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            used = {word.partition("=")[0] for word in line.partition(" -- ")[0].split() if re.match(r"--\w", word)}
            assert used <= options | {"--help"}, f"{block}: {line}"


def test_the_documents_are_found():
    assert ROOT / "README.md" in DOCUMENTS and len(ALL) > 20
