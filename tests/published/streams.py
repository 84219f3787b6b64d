"""Bodies that come compressed."""

import gzip
import zlib


def decoded(body: bytes, encoding: str | None) -> bytes:
    """Plain. What is compressed otherwise than by gzip or deflate stays as it is: nobody here speaks it."""
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "deflate":
        return zlib.decompress(body)
    return body
