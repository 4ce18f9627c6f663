"""The kernel's interpreter of filters, as far as ours use it, and what a table says by itself."""

from __future__ import annotations

MASK = 0xFFFFFFFF


def run(program: bytes, architecture: int, number: int, arguments: tuple[int, ...]) -> tuple[int, int]:
    """(action, instructions executed) of a call under a filter."""
    words = [number, architecture, 0, 0]
    for argument in arguments:
        words += [argument & MASK, argument >> 32 & MASK]
    at = steps = accumulator = 0
    while True:
        code = int.from_bytes(program[8 * at : 8 * at + 2], "little")
        yes, no = program[8 * at + 2], program[8 * at + 3]
        k = int.from_bytes(program[8 * at + 4 : 8 * at + 8], "little")
        steps += 1
        at += 1
        if code == 0x20:  # BPF_LD | BPF_W | BPF_ABS
            assert k % 4 == 0
            accumulator = words[k // 4]
        elif code == 0x54:  # BPF_ALU | BPF_AND | BPF_K
            accumulator &= k
        elif code == 0x15:  # BPF_JMP | BPF_JEQ | BPF_K
            at += yes if accumulator == k else no
        elif code == 0x35:  # BPF_JMP | BPF_JGE | BPF_K
            at += yes if accumulator >= k else no
        elif code == 0x05:  # BPF_JMP | BPF_JA
            at += k
        elif code == 0x06:  # BPF_RET | BPF_K
            return k, steps
        else:
            raise AssertionError(f"instruction {code:#x}")


def said(body, arguments: tuple[int, ...]) -> int:
    """The action that a body of the table means."""
    while type(body) is tuple:
        questions, body = body
        for half, mask, value, equal, then in questions:
            word = arguments[half // 2] >> (32 * (half % 2)) & MASK
            if (word & mask == value) == equal:
                body = then
                break
    return body


def interesting(body) -> set[int]:
    """Values of a word that make a difference to a body."""
    found = {0, 1, MASK}
    if type(body) is tuple:
        for _, mask, value, _, then in body[0]:
            found |= {value, value ^ 1, mask, value | ~mask & MASK} | interesting(then)
        found |= interesting(body[1])
    return found


def halves(body) -> set[int]:
    """The words that a body asks for."""
    if type(body) is not tuple:
        return set()
    return {q[0] for q in body[0]}.union(*[halves(q[4]) for q in body[0]], halves(body[1]))
