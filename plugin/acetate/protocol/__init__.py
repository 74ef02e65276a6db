"""What the plugin and the engine say to each other. Standard library only, no Qt, no torch.

geometry    Extent, Bounds                     canvas pixels
pixels      PixelBuffer, its bytes and digest  straight alpha, sRGB, row-major
requests    Task, GenerateRequest              everything that decides a result
events      what a job reports on its way      SSE payloads
errors      one tree, and its problem+json
connection  where a running engine is found
codec       dataclass ↔ JSON object
"""
