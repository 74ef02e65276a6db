"""The engine as an HTTP server on loopback. Neither torch nor numpy is imported in this process before a picture
has to be converted, and FastAPI only behind the first answer to /health.

server     lock, port, token, connection file, uvicorn
lock       one engine a data directory
engine     store, images and queue of this process
gate       who may ask (Host, Origin, token); /health; hands everything else to the app
app        FastAPI: routes and their errors
images, jobs, models, storage   the routes
png        a layer as PNG, some rows at a time
connections   slow and idle connections make room
problems   errors as problem+json
schema     the OpenAPI document, typed from the protocol's dataclasses
"""
