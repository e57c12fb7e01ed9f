"""The POSIX shell scripts that run on a far host. Pure; standard library only.

Each is sent over stdin to `sh`, so that no value is an argument of a shell. A script is one group in braces: the shell
reads it to its end before it does anything, and one that was cut off is a syntax error that does nothing. Values stand
in single quotes, in which no shell interprets anything.

The folder of an attempt holds:
    boot     the boot id of the host when the attempt was claimed
    runner   the pid and the start time of the shell that waits for the command
    go       a folder; whoever makes it decides: the runner that the command begins, a cancel that it never does
    out      what the command printed
    full     exists if the disk could not take all of it
    why      why the command could not be started
    exit     status, bytes of `out`, and what `why` says

A script reports on stderr, in lines that begin with a word of its own (`nonce`), because a login shell may print
anything before. The same word on a line of its own precedes the output on stdout.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MARKER = "LIVEWALL_ATTEMPT"
"""The variable in the environment of every process of a far command; its value is the id of the attempt."""
LEFTOVER_SECONDS = 2
"""Seconds for which the output of processes is kept that a command leaves behind when it ends."""
UNFINISHED_SECONDS = 4
"""Seconds after which a claim without a runner is given up."""
KILL_SECONDS = 30
"""Seconds for which processes are sent SIGKILL before they are given up."""
KEPT_DAYS = 7
"""Days after which folders of other attempts are removed."""
HASHED_AT_ONCE = 50_000
"""The number of bytes of file names in one call of the program that computes hashes."""

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class NotSendable(ValueError):
    """A value cannot be passed to a far command. The text says why, and shows no value."""


def quoted(value: str) -> bytes:
    """Return a value as one word of a shell. Raises NotSendable."""
    try:
        data = value.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        raise NotSendable("an argument or a variable holds characters that cannot be passed on") from None
    if b"\0" in data:
        raise NotSendable("an argument or a variable holds a NUL byte, which cannot be passed on")
    return b"'" + data.replace(b"'", b"'\\''") + b"'"


def checked_id(attempt: str) -> str:
    """Return the id of an attempt if it can be the name of a folder. Raises NotSendable."""
    if not _ID.fullmatch(attempt):
        raise NotSendable("the id of an attempt consists of letters, digits, '.', '_' and '-'")
    return attempt


_COMMON = rb"""
lw_say() { printf '%s %s\n' "$lw_nonce" "$*" >&2; }
case $lw_base in /*) ;; *) lw_base=${HOME:-$(cd && pwd)}/$lw_base ;; esac
lw_F=$lw_base/$lw_id
lw_born() {  # when the living process $1 was started; nothing if it is dead
    lw_line=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    set -- ${lw_line##*") "}
    case $1 in Z | X | "") return 1 ;; esac
    printf '%s\n' "${20}"
}
lw_runner_lives() {
    lw_pid= lw_since=
    { read -r lw_pid lw_since <"$lw_F/runner"; } 2>/dev/null
    [ -n "$lw_since" ] && [ "$(lw_born "$lw_pid")" = "$lw_since" ]
}
lw_marked() {  # the processes of the attempt; each is looked at again, as the names of the files stand among values
    head -c 4000000 /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' |
    LC_ALL=C grep -e '^==> /proc/[0-9]*/environ <==$' -e "^$lw_marker=$lw_id\$" |
    while read -r lw_a lw_b lw_c; do
        case $lw_a in
        '==>') lw_p=${lw_b#/proc/} lw_p=${lw_p%/environ} ;;
        *) [ -n "$lw_p" ] && tr '\0' '\n' <"/proc/$lw_p/environ" | grep -qxF "$lw_marker=$lw_id" && echo "$lw_p" ;;
        esac
    done 2>/dev/null
}
"""

_COMMAND = rb"""
lw_collect() {
    exec 3<&0 </dev/null
    cat <&3 >>"$lw_F/out" &
    lw_cat=$!
    trap 'lw_late=1; kill $lw_cat' TERM
    ! wait $lw_cat || exit 0
    [ -n "$lw_late" ] || printf '' >"$lw_F/full"
    # What still holds the pipe may go on writing: nothing keeps it, and nothing ends the writer.
    trap 'exit 0' TERM
    cat <&3 >/dev/null &
    [ -n "$lw_late" ] || wait $!
    exit 0
}
lw_run() {
    read -r lw_me lw_rest </proc/self/stat
    printf '%s %s\n' "$lw_me" "$(lw_born "$lw_me")" >"$lw_F/runner.new" && mv "$lw_F/runner.new" "$lw_F/runner" &&
    mkfifo "$lw_F/pipe" && mkdir "$lw_F/go" || exit 1
    lw_collect <"$lw_F/pipe" 8>&- &
    lw_collector=$!
    (
        # A fault before the command runs is reported by this file.
        lw_cwd
        umask "$lw_umask"
        lw_env
        command -v -- "$1" >/dev/null 2>&1 || { echo program >"$lw_F/why"; exit 127; }
        exec $lw_setsid "$@"
    ) </dev/null >"$lw_F/pipe" 2>&1 8>&-
    lw_status=$?
    rm -f "$lw_F/pipe"
    { sleep @LEFTOVER@; kill -TERM $lw_collector; } 8>&- &
    lw_timer=$!
    wait $lw_collector
    kill $lw_timer 2>/dev/null
    lw_why=
    { read -r lw_why <"$lw_F/why"; } 2>/dev/null
    [ ! -e "$lw_F/full" ] || lw_why=full
    # In place: the space was allocated before the command began.
    printf '%s %s %s\n' $lw_status $(wc -c <"$lw_F/out") "$lw_why" 1<>"$lw_F/exit.new"
    mv "$lw_F/exit.new" "$lw_F/exit"
}
lw_lost() { lw_say lost "$1" $(wc -c <"$lw_F/out"); }
lw_wait() {  # until the command has ended; the first session is told by the pipe that the runner holds
    [ -z "$1" ] || read -r lw_x <&7
    lw_n=0
    while [ ! -e "$lw_F/exit" ]; do
        if [ ! -d "$lw_F" ]; then
            lw_say lost gone 0
            return
        fi
        lw_then=
        { read -r lw_then <"$lw_F/boot"; } 2>/dev/null
        if [ -n "$lw_then" ] && [ "$lw_then" != "$lw_boot" ]; then
            lw_lost boot
            return
        elif [ -e "$lw_F/go" ]; then
            if ! lw_runner_lives && [ -z "$(lw_marked)" ] && [ ! -e "$lw_F/exit" ]; then
                lw_lost dead
                return
            fi
        elif [ $lw_n -ge @UNFINISHED@ ] && mkdir "$lw_F/go"; then
            lw_lost unfinished
            return
        fi
        lw_n=$((lw_n + 1))
        sleep 1
    done
    lw_status= lw_size= lw_why=
    read -r lw_status lw_size lw_why lw_x <"$lw_F/exit"
    lw_say end "$lw_status" "$lw_size" "$lw_why"
}
lw_attach() {
    exec 7<&0 </dev/null
    printf '%s\n' "$lw_nonce"
    tail -c "+$lw_from" -f "$lw_F/out" 7<&- 9<&- 2>/dev/null &
    lw_tail=$!
    lw_wait "$1" >/dev/null 9<&- &
    lw_waiter=$!
    cat <&9 >/dev/null 7<&-
    kill $lw_tail $lw_waiter 2>/dev/null
    # The first session's shell would wait for the command.
    kill -KILL $$
}
lw_umask=$(umask)
umask 077
exec 9<&0 </dev/null
lw_setsid=$(command -v setsid)
lw_boot=
{ read -r lw_boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
if [ -z "$lw_boot" ]; then
    lw_say failed linux
elif [ -n "$lw_claimed" ]; then
    if [ -d "$lw_F" ]; then
        lw_say attached
        lw_attach ""
    else
        lw_say lost gone 0
    fi
elif mkdir -p "$lw_base" 2>/dev/null && mkdir "$lw_F" 2>/dev/null; then
    if printf '%s\n' "$lw_boot" >"$lw_F/boot" && printf '' >"$lw_F/out" && printf '%500s' '' >"$lw_F/exit.new"; then
        # Where nobody listens any more, what is said ends the process that says it, but not the runner.
        lw_run "$@" 8>&1 </dev/null >/dev/null 2>/dev/null 9<&- | { lw_say started; lw_attach first; }
    else
        rm -rf "$lw_F"
        lw_say failed write
    fi
elif [ -d "$lw_F" ]; then
    lw_say attached
    lw_attach ""
else
    lw_say failed folder
fi
exit 0
"""

_CANCEL = rb"""
lw_family() {  # the processes $@ and their descendants
    lw_tree=$(grep -s '^PPid:' /proc/[0-9]*/status | sed 's,^/proc/\([0-9]*\)/status:PPid:[^0-9]*,\1 ,')
    lw_set=" $* "
    lw_before=
    while [ "$lw_set" != "$lw_before" ]; do
        lw_before=$lw_set
        while read -r lw_p lw_parent; do
            case $lw_set in
            *" $lw_p "*) ;;
            *" $lw_parent "*) lw_set="$lw_set$lw_p " ;;
            esac
        done <<LW_END
$lw_tree
LW_END
    done
    printf '%s\n' $lw_set
}
lw_scan() {  # all that live, as pid:start, in lw_found; those seen before count as well
    lw_roots=$(lw_marked)
    for lw_each in $lw_known; do
        [ "$(lw_born "${lw_each%:*}")" != "${lw_each#*:}" ] || lw_roots="$lw_roots ${lw_each%:*}"
    done
    lw_found=
    [ -n "$lw_roots" ] || return
    for lw_one in $(lw_family $lw_roots); do
        lw_when=$(lw_born "$lw_one") && lw_found="$lw_found $lw_one:$lw_when"
    done
    for lw_each in $lw_found; do
        case " $lw_known " in *" $lw_each "*) ;; *) lw_known="$lw_known $lw_each" lw_new="$lw_new $lw_each" ;; esac
    done
}
lw_signal() {
    for lw_each in $2; do
        kill -"$1" "${lw_each%:*}" 2>/dev/null
    done
}
lw_never() { printf '143 0 cancelled\n' >"$lw_F/exit.cancelled" && mv "$lw_F/exit.cancelled" "$lw_F/exit"; }
lw_known= lw_new= lw_found=
lw_nap=1
! sleep 0.1 2>/dev/null || lw_nap=0.1
umask 077
[ -n "$lw_claimed" ] || mkdir -p "$lw_base" 2>/dev/null && mkdir "$lw_F" 2>/dev/null &&
cat /proc/sys/kernel/random/boot_id >"$lw_F/boot" && printf '' >"$lw_F/out"
[ -d "$lw_F" ] && mkdir "$lw_F/go" 2>/dev/null && lw_never
lw_time() {  # in hundredths of a second
    read -r lw_now lw_x </proc/uptime
    lw_now=${lw_now%.*}${lw_now#*.}
}
lw_time
lw_until=$((lw_now + lw_grace * 100))
while :; do
    lw_scan
    lw_time
    if [ $lw_now -ge $lw_until ]; then
        lw_signal KILL "$lw_found"
    elif [ -z "$lw_termed" ] && [ -n "$lw_new" ]; then
        # All are stopped first, so that no process that is forked meanwhile misses the signal. What they start after
        # they continue, to clean up, gets the grace period.
        lw_termed=1
        while [ -n "$lw_new" ]; do
            lw_signal STOP "$lw_new"
            lw_new=
            lw_scan
        done
        lw_signal TERM "$lw_known"
        lw_signal CONT "$lw_known"
    fi
    if [ -z "$lw_found" ] && { [ -e "$lw_F/exit" ] || ! lw_runner_lives; }; then
        lw_say cancelled 0
        break
    elif [ $lw_now -ge $((lw_until + @KILL@ * 100)) ]; then
        lw_say cancelled $(printf '%s\n' $lw_found | wc -l)
        break
    fi
    sleep $lw_nap
done
exit 0
"""

_FORGET = rb"""
lw_ours() { [ -f "$1/boot" ] && [ -f "$1/out" ]; }
lw_remove() {  # whether the folder of $lw_id is gone, or is none that may be removed
    lw_F=$lw_base/$lw_id
    lw_ours "$lw_F" || return 0
    [ -e "$lw_F/exit" ] || ! lw_runner_lives || return 1
    rm -rf "$lw_F"
}
lw_kept=
for lw_id; do
    lw_remove || lw_kept="$lw_kept $lw_id"
done
if [ -n "$lw_kept" ] && [ -n "$lw_linger" ]; then
    (
        trap '' HUP PIPE
        for lw_nap in 1 2 4 8 16 32 64; do
            sleep $lw_nap
            for lw_id in $lw_kept; do lw_remove; done
        done
    ) </dev/null >/dev/null 2>&1 &
fi
lw_boot=$(cat /proc/sys/kernel/random/boot_id)
find "$lw_base" -mindepth 1 -maxdepth 1 -type d -mtime "+$lw_days" 2>/dev/null | while read -r lw_F; do
    if lw_ours "$lw_F" && { [ -e "$lw_F/exit" ] || [ "$(cat "$lw_F/boot")" != "$lw_boot" ]; }; then
        rm -rf "$lw_F"
    fi
done
lw_say done $lw_kept
exit 0
"""

_HASH = rb"""
if openssl dgst -sha256 -r /dev/null >/dev/null 2>&1; then
    lw_hash() { openssl dgst -sha256 -r "$@"; }  # uses what the processor has for it, unlike most sha256sum
elif command -v sha256sum >/dev/null 2>&1; then
    lw_hash() { sha256sum "$@"; }
elif command -v shasum >/dev/null 2>&1; then
    lw_hash() { shasum -a 256 "$@"; }
else
    lw_say none
    exit 0
fi
printf '%s\n' "$lw_nonce"
cd -- "$lw_folder" || exit 1
lw_all
lw_say hashed
exit 0
"""

_PLACES = rb"""
trap '' HUP PIPE TERM INT
lw_there() { [ -e "$1" ] || [ -L "$1" ]; }
lw_lock() {  # one script at a time moves folders, for milliseconds; one that was killed holds the lock for five seconds
    lw_n=0
    until mkdir "$lw_side.lock" 2>/dev/null || [ $lw_n -ge 50 ]; do
        lw_n=$((lw_n + 1))
        sleep 0.1 2>/dev/null || { sleep 1; lw_n=$((lw_n + 9)); }
    done
}
lw_move() {  # never into a folder
    mv -f -T -- "$1" "$2" 2>/dev/null || { ! lw_there "$2" && mv -f -- "$1" "$2" 2>/dev/null; }
}
lw_aside() {  # renamed before it is removed, so that nothing that is removed in part takes a place
    lw_n=0
    while lw_there "$lw_side.gone.$$.$lw_n"; do lw_n=$((lw_n + 1)); done
    ! lw_there "$1" || lw_move "$1" "$lw_side.gone.$$.$lw_n"
}
lw_clear() {  # whether nothing is left of what was put aside
    for lw_each in "$lw_side".gone.*; do
        rm -rf -- "$lw_each" 2>/dev/null
        if lw_there "$lw_each"; then
            find "$lw_each" -type d ! -perm -700 -exec chmod u+rwx {} \; 2>/dev/null
            rm -rf -- "$lw_each" 2>/dev/null
        fi
    done
    ! lw_there "$lw_each"
}
lw_repair() {  # what a script that was killed has left: the old folder, or the new one, which is whole as well
    lw_there "$lw_side.old" || return
    if lw_there "$lw_to"; then lw_aside "$lw_side.old"; else lw_move "$lw_side.old" "$lw_to"; fi
}
"""

_REPLACE = rb"""
lw_exchange() {  # two folders, in one step
    mv --exchange -T -- "$1" "$2" 2>/dev/null && return
    python3 -I -S -c 'import ctypes, os, sys
old, new = map(os.fsencode, sys.argv[1:])
sys.exit(ctypes.CDLL(None).renameat2(-100, old, -100, new, 2) != 0)' "$1" "$2" 2>/dev/null && return
    case $(uname -m) in
    x86_64) lw_call=316 ;;
    aarch64 | riscv64) lw_call=276 ;;
    *) return 1 ;;
    esac
    perl -e 'exit(syscall($ARGV[0] + 0, -100, $ARGV[1], -100, $ARGV[2], 2) == 0 ? 0 : 1)' \
        "$lw_call" "$1" "$2" 2>/dev/null
}
lw_place() {
    lw_move "$lw_side.new" "$lw_side.old" || return
    # The old name means that it is no longer the place for what arrives: it holds a whole folder, before and after.
    if lw_exchange "$lw_side.old" "$lw_to"; then
        return 0
    fi
    lw_move "$lw_side.old" "$lw_side.new" && lw_move "$lw_to" "$lw_side.old" || return
    lw_move "$lw_side.new" "$lw_to" || { lw_move "$lw_side.old" "$lw_to"; return 1; }
}
lw_lock
lw_repair
if [ ! -d "$lw_side.new" ]; then
    lw_did=absent
elif ! lw_there "$lw_to"; then
    lw_did=refused
    ! lw_move "$lw_side.new" "$lw_to" || lw_did=placed
elif [ -d "$lw_to" ] && [ ! -L "$lw_to" ] && lw_place; then
    lw_did=placed
    lw_aside "$lw_side.old"
else
    lw_did=refused
fi
rmdir "$lw_side.lock" 2>/dev/null
lw_clear && lw_say $lw_did || lw_say $lw_did left
exit 0
"""

_DISCARD = rb"""
if lw_there "$lw_side.new" || lw_there "$lw_side.old"; then
    lw_lock
    lw_repair
    lw_aside "$lw_side.new"
    rmdir "$lw_side.lock" 2>/dev/null
fi
lw_clear && lw_say discarded || lw_say discarded left
exit 0
"""


def _group(nonce: str, variables: Mapping[str, bytes], *parts: bytes) -> bytes:
    assigned = [b"lw_%s=%s\n" % (name.encode(), value) for name, value in {"nonce": quoted(nonce), **variables}.items()]
    text = b"".join((b"{\n", *assigned, *parts, b"}\n"))
    for name, number in (("LEFTOVER", LEFTOVER_SECONDS), ("UNFINISHED", UNFINISHED_SECONDS), ("KILL", KILL_SECONDS)):
        text = text.replace(b"@%s@" % name.encode(), b"%d" % number)
    return text


def _of_attempt(attempt: str, folder: str, *, claimed: bool) -> dict[str, bytes]:
    return {
        "id": quoted(checked_id(attempt)),
        "base": quoted(folder),
        "marker": quoted(MARKER),
        "claimed": b"1" if claimed else b"",
    }


def command(
    nonce: str,
    attempt: str,
    folder: str,
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str | None,
    *,
    offset: int,
    claimed: bool,
) -> bytes:
    """Return the script that starts a command or attaches to it, and streams its output from `offset`.

    With `claimed` it only attaches: the start was acknowledged before. It ends when its stdin does.
    Reports: `started`, `attached`, `end STATUS SIZE [cwd|program|full|cancelled]`, `lost gone|boot|dead|unfinished
    SIZE`, `failed linux|folder|write`. Raises NotSendable.
    """
    for name in env:
        if not _NAME.fullmatch(name):
            raise NotSendable("the name of a variable consists of letters, digits and _")
    exports = [b"export %s=%s\n" % (name.encode(), quoted(value)) for name, value in env.items()]
    if cwd is None:
        enter = b":"
    else:
        where = quoted(_path(cwd))
        enter = b'{ unset CDPATH; cd %s; } 2>/dev/null || { echo cwd >"$lw_F/why"; exit 126; }' % where
    return _group(
        nonce,
        {**_of_attempt(attempt, folder, claimed=claimed), "from": b"%d" % (offset + 1)},
        b"lw_cwd() { %s; }\n" % enter,
        b"lw_env() {\n%sexport %s=%s\n}\n" % (b"".join(exports), MARKER.encode(), quoted(attempt)),
        b"set -- %s\n" % b" ".join(map(quoted, argv)),
        _COMMON,
        _COMMAND,
    )


def cancel(nonce: str, attempt: str, folder: str, *, grace: float, claimed: bool) -> bytes:
    """Return the script that ends all processes of an attempt, or prevents it from starting. Reports `cancelled LEFT`.

    Without `claimed`, an attempt that has not arrived at the host yet is claimed, and will never start.
    """
    variables = {**_of_attempt(attempt, folder, claimed=claimed), "grace": b"%d" % -(-grace // 1), "termed": b""}
    return _group(nonce, variables, _COMMON, _CANCEL)


def forget(nonce: str, folder: str, attempts: Sequence[str], *, days: int = KEPT_DAYS, linger: bool = False) -> bytes:
    """Return the script that removes the folders of attempts, and old ones. Reports `done ID…`.

    The folders of these ids are kept, because their commands still run. With `linger`, a process stays on the host for
    two minutes, which removes them once the commands have ended.
    """
    ids = b" ".join(quoted(checked_id(each)) for each in attempts)
    more = {"days": b"%d" % days, "linger": b"1" if linger else b""}
    variables = {**_of_attempt("none", folder, claimed=False), **more}
    return _group(nonce, variables, b"set -- %s\n" % ids, _COMMON, _FORGET)


def hashes(nonce: str, folder: str, names: Sequence[str]) -> bytes:
    """Return the script that prints the SHA-256 of files, a line each in their order. Reports `hashed` or `none`."""
    calls: list[bytes] = []
    words: list[bytes] = []
    for name in names:
        words.append(quoted(_path(name)))
        if sum(map(len, words)) > HASHED_AT_ONCE:
            calls.append(b" ".join(words))
            words = []
    if words:
        calls.append(b" ".join(words))
    text = b"".join(b"lw_hash %s\n" % call for call in calls)
    variables = {**_of_attempt("none", ".", claimed=False), "folder": quoted(_path(folder))}
    return _group(nonce, variables, b"lw_all() {\n%s:\n}\n" % text, _COMMON, _HASH)


def replace(nonce: str, side: str, to: str) -> bytes:
    """Return the script that puts the folder `side`.new in the place of the folder `to`, and removes that one.

    Where the host can, the two are exchanged in one step: then `to` is a whole folder at every moment. Otherwise it is
    renamed to `side`.old first, and is away until the next line of the script. A cut ends no script. Of a script that
    was killed, `replace` and `discard` put back what it has left.
    Reports `placed|absent|refused [left]`: `absent` if there is no new folder, `left` if a folder cannot be removed.
    """
    return _group(nonce, _places(side, to), _COMMON, _PLACES, _REPLACE)


def discard(nonce: str, side: str, to: str) -> bytes:
    """Return the script that removes what an upload has left beside `to`, and nothing else. Reports `discarded [left]`.

    What `replace` does meanwhile is waited for.
    """
    return _group(nonce, _places(side, to), _COMMON, _PLACES, _DISCARD)


def _places(side: str, to: str) -> dict[str, bytes]:
    return {**_of_attempt("none", ".", claimed=False), "side": quoted(_path(side)), "to": quoted(_path(to))}


def _path(path: str) -> str:
    """Return a path that no program takes for an option."""
    return path if path.startswith("/") else f"./{path}"
