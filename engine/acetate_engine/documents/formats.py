"""What a file is that Acetate does not read, by its first bytes; and text of a file, fit for a terminal."""

from __future__ import annotations

_STARTS = (  # offset, bytes, name
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript document"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML document, perhaps an SVG drawing"),
    (4, b"ftypheic", "a HEIC photo"),
    (4, b"ftypheix", "a HEIC photo"),
    (4, b"ftypmif1", "a HEIF photo"),
    (4, b"ftypmsf1", "a HEIF photo"),
    (4, b"ftypcrx", "a raw photo of a camera (CR3)"),
    (4, b"ftyp", "a video"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (8, b"AVI ", "a video"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (4, b"JXL ", "a JPEG XL picture"),
    (0, b"v/1\x01", "an OpenEXR picture"),
    (0, b"#?RADIANCE", "a Radiance HDR picture"),
    (0, b"gimp xcf", "a GIMP document (XCF)"),
    (0, b"CSFCHUNK", "a Clip Studio document"),
    (0, b"\x00\xffKA", "an Affinity document"),
    (0, b"FUJIFILMCCD-RAW", "a raw photo of a camera (RAF)"),
    (0, b"IIU\x00", "a raw photo of a camera (RW2)"),
    (0, b"IIRO", "a raw photo of a camera (ORF)"),
    (0, b"II*\x00", "a TIFF picture of a kind that Acetate does not read"),
    (0, b"MM\x00*", "a TIFF picture of a kind that Acetate does not read"),
    (0, b"\xd7\xcd\xc6\x9a", "a Windows metafile (WMF)"),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"SQLite format 3", "a database"),
    (0, b"\x1f\x8b", "a compressed file (gzip)"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
)


def format_of(data: bytes) -> str:
    start = data[:64].lstrip() if data[:1] in b" \t\r\n\xef" else data[:64]
    for offset, signature, name in _STARTS:
        if start[offset : offset + len(signature)] == signature:
            return name
    return "no picture that Acetate reads"


def printable(text: str) -> str:
    """Control characters and lone surrogates escaped, so that nothing from a file steers a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
