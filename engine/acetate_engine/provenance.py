"""Where pixels come from, as XMP: the IPTC's digital source type, its properties for AI, and the recipe.

IPTC Photo Metadata Standard 2025.1 and its NewsCodes (cv.iptc.org/newscodes/digitalsourcetype); XMP: ISO 16684-1.
"""

from __future__ import annotations

import json
from enum import Enum

from acetate.protocol.codec import to_json
from acetate.protocol.requests import GenerateRequest, Task
from acetate.protocol.version import __version__
from acetate_engine.xml_text import quoted

RECIPE = "https://acetate.invalid/xmp/1.0/"  # our own namespace: a name, no place
_XPACKET = 'begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"'
_NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "acetate": RECIPE,
}


class SourceType(str, Enum):
    """Of the IPTC's digital source types those that Acetate makes."""

    GENERATED = "trainedAlgorithmicMedia"
    COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
    CHANGED = "algorithmicallyEnhanced"

    @property
    def uri(self) -> str:
        return f"http://cv.iptc.org/newscodes/digitalsourcetype/{self.value}"


def source_type(request: GenerateRequest, *, has_others: bool) -> SourceType | None:
    """What a file is that holds the layers of this request; None where they are as they were given.

    `has_others`: pictures that were given lie in it, too.
    """
    if request.task is Task.IDENTITY:
        return None
    if not request.task.needs_model:
        return SourceType.CHANGED
    shows_given = request.task.reworks_layer or request.task is Task.BLEND
    shows_given = shows_given or any(layer.picture for layer in request.layers)
    return SourceType.COMPOSITE if has_others or shows_given else SourceType.GENERATED


def packet(request: GenerateRequest, *, has_others: bool) -> bytes:
    """The XMP of a file, UTF-8; empty where there is nothing to say."""
    kind = source_type(request, has_others=has_others)
    if kind is None:
        return b""
    said = {
        "xmp:CreatorTool": f"Acetate {__version__}",
        "Iptc4xmpExt:DigitalSourceType": kind.uri,
        "acetate:Recipe": json.dumps(to_json(request), ensure_ascii=False, sort_keys=True),
    }
    if request.task.needs_model:
        said |= {
            "Iptc4xmpExt:AIPromptInformation": _prompts(request),
            "Iptc4xmpExt:AISystemUsed": f"Acetate, model {request.model}",
            "Iptc4xmpExt:AISystemVersionUsed": __version__,
        }
    return _written({name: value for name, value in said.items() if value})


def _prompts(request: GenerateRequest) -> str:
    words = (request.prompt, *(layer.prompt for layer in request.layers), request.background_prompt)
    return "\n".join(text for text in words if text)


def _written(said: dict[str, str]) -> bytes:
    spaces = "".join(f' xmlns:{name}="{uri}"' for name, uri in _NAMESPACES.items() if name != "rdf")
    facts = "".join(f" {name}={quoted(value)}" for name, value in said.items())
    return (
        f'<?xpacket {_XPACKET}?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_NAMESPACES["rdf"]}">'
        f'<rdf:Description rdf:about=""{spaces}{facts}/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()
