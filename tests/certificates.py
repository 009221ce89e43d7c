"""A certificate authority of the tests' own, which signs what they ask for: for other names, or long run out."""

import pathlib
import subprocess

import pytest

CONFIG = """
[ca]
default_ca = desk
[desk]
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[leaf]
basicConstraints = CA:false
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""
KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split()
NOW, LONG_AGO = ("-days", "2"), ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z")


class Authority:
    """`ca` is the file that trusts it."""

    def __init__(self, folder):
        self.folder, self.ca = folder, folder / "ca.pem"
        (folder / "index").write_text("")
        (folder / "serial").write_text("01\n")
        self._configure("DNS:none.example")
        self._openssl("req", "-x509", *KEY, "-subj", "/CN=desk", "-days", "2", "-extensions", "root",
                      "-keyout", folder / "ca.key", "-out", self.ca)  # fmt: skip

    def issue(self, *names, dates=NOW):
        """A certificate for these, such as DNS:feed.example or IP:127.0.0.1, and its key."""
        key, request, leaf = (
            self.folder / f"{len(list(self.folder.iterdir()))}.{end}" for end in ("key", "csr", "pem")
        )
        self._configure(",".join(names))
        self._openssl("req", *KEY, "-subj", "/CN=leaf", "-keyout", key, "-out", request)
        self._openssl("ca", "-batch", "-notext", "-cert", self.ca, "-keyfile", self.folder / "ca.key",
                      "-extensions", "leaf", "-in", request, "-out", leaf, *dates)  # fmt: skip
        return leaf, key

    def _configure(self, names):
        (self.folder / "config").write_text(
            "[req]\ndistinguished_name = asked\n[asked]\n" + CONFIG.format(folder=self.folder, names=names)
        )

    def _openssl(self, verb, *argv):
        command = ["openssl", verb, "-config", self.folder / "config", *argv]
        subprocess.run([str(part) for part in command], check=True, capture_output=True, timeout=30)


def make_authority(folder):
    """Skips the test, loudly, where there is no openssl to make certificates with."""
    folder = pathlib.Path(folder) / "authority"
    folder.mkdir()
    try:
        return Authority(folder)
    except FileNotFoundError:
        pytest.skip("no openssl to make certificates with: TLS to servers of one's own goes UNTESTED")
