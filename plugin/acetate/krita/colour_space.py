"""What colours a document of Krita is in."""

from __future__ import annotations

from dataclasses import dataclass

from acetate.protocol.pixels import PixelFormat

SRGB = "sRGB-elle-V2-srgbtrc.icc"  # the profile that `Document.projection` converts to


@dataclass(frozen=True)
class KritaColourSpace:
    model: str  # RGBA, GRAYA, CMYKA, ...
    depth: str  # U8, U16, F16, F32
    profile: str

    @property
    def is_srgb8(self) -> bool:
        """Whether pixels are those of the wire, but for the order of the channels."""
        return self == KritaColourSpace("RGBA", "U8", SRGB)

    @property
    def wire_format(self) -> PixelFormat:
        """What its pixels travel as: 8 bits where these are sRGB's own, else 16, which keep the finer steps."""
        is_shallow = self.depth == "U8" and self.model == "RGBA" and self.profile in (SRGB, "sRGB built-in")
        return PixelFormat.RGBA8 if is_shallow else PixelFormat.RGBA16
