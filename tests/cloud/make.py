"""Makes a bucket on an emulator: make.py KIND HOST:PORT NAME. Nothing but Python's own library."""

import base64
import hashlib
import hmac
import sys
import urllib.request
from email.utils import formatdate

kind, at, name = sys.argv[1:]


def ask(method, path, body=None, headers={}):
    asked = urllib.request.Request(f"http://{at}{path}", body, headers, method=method)
    urllib.request.urlopen(asked, timeout=10).read()


if kind == "s3":
    ask("PUT", f"/{name}")
else:
    # The account and the key that every Azurite has, as its README tells them.
    account = "devstoreaccount1"
    key = (
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq"
        "/K1SZFPTOtr/KBHBeksoGMGw=="
    )
    date, version = formatdate(usegmt=True), "2021-08-06"
    text = (
        "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{version}\n"
        f"/{account}/{account}/{name}\nrestype:container"
    )
    sign = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    headers = {
        "x-ms-date": date,
        "x-ms-version": version,
        "authorization": f"SharedKey {account}:{base64.b64encode(sign).decode()}",
        "content-length": "0",
    }
    ask("PUT", f"/{account}/{name}?restype=container", None, headers)
