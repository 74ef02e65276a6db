"""LZF, the compression of Krita's tiles (Marc Lehmann's LibLZF, the format of its lzf_d.c)."""

from __future__ import annotations


def decompress(data: bytes, size: int) -> bytes:
    """Exactly `size` bytes. Raises ValueError where the data says otherwise."""
    out = bytearray()
    position, end = 0, len(data)
    while position < end:
        control = data[position]
        position += 1
        if control < 32:  # a literal run of control + 1 bytes
            out += data[position : position + control + 1]
            position += control + 1
            continue
        length = control >> 5
        if length == 7:
            length += data[position]
            position += 1
        offset = (control & 31) << 8 | data[position]
        position += 1
        _copy(out, offset + 1, length + 2)
        if len(out) > size:
            raise ValueError(f"a tile unpacks to more than {size} bytes")
    if len(out) != size:
        raise ValueError(f"a tile unpacks to {len(out)} bytes, not {size}")
    return bytes(out)


def _copy(out: bytearray, distance: int, length: int) -> None:
    """Repeats what lies `distance` back; source and target may overlap."""
    start = len(out) - distance
    if start < 0:
        raise ValueError("a tile refers to bytes before its beginning")
    if distance >= length:
        out += out[start : start + length]
    else:
        out += (out[start:] * (length // distance + 1))[:length]
