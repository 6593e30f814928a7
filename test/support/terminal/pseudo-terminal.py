"""Runs a program on a terminal of its own: python3 pseudo-terminal.py <columns> <rows> <program> [argument...]

Standard input is typed, what is drawn comes out of standard output. At the end standard error has one line of JSON: the
modes that were left as they are not at the start, and the width of the widest line, counted in columns of a terminal.
"""

import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import unicodedata

columns, rows = int(sys.argv[1]), int(sys.argv[2])
pid, terminal = pty.fork()
if pid == 0:
    # Before the program looks.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.execvp(sys.argv[3], sys.argv[3:])

drawn = b""
while True:
    ready, _, _ = select.select([terminal, 0], [], [])
    if 0 in ready:
        typed = os.read(0, 4096)
        if not typed:  # Who typed is gone: so is the terminal, which hangs up on the program.
            sys.exit(1)
        os.write(terminal, typed)
    if terminal in ready:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Nobody has the other end any more.
            break
        if not chunk:
            break
        drawn += chunk
        os.write(1, chunk)


def width(character):
    if unicodedata.category(character) in ("Cn", "Mn", "Me"):
        return 1 if unicodedata.category(character) == "Cn" else 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


text = drawn.decode()
modes = {}
for mode, switch in re.findall(r"\x1b\[\?(\d+)([hl])", text):
    modes[mode] = switch
plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
widest = max(sum(map(width, line)) for line in re.split(r"[\r\n]+", plain))
print(json.dumps({"modes": modes, "widest": widest}), file=sys.stderr)
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
