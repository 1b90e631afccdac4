"""A certificate authority of a test's own."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Issues certificates for addresses; `bundle` is the file to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        certificate = self._certificate(self._name, self._key).add_extension(constraints, critical=True)
        self.bundle = folder / "authority.pem"
        self.bundle.write_bytes(_pem(certificate.sign(self._key, hashes.SHA256())))

    def server(self, address: IPv4Address) -> ssl.SSLContext:
        """Return the context of a server with a certificate for this address."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certify(x509.IPAddress(address)))
        return context

    def certify(self, name: x509.GeneralName) -> Path:
        """Return a new file with a key and a certificate for an address or a host's name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test server")])
        names = x509.SubjectAlternativeName([name])
        certificate = self._certificate(subject, key).add_extension(names, critical=False)
        file = self._folder / "server.pem"
        encoded = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(encoded + _pem(certificate.sign(self._key, hashes.SHA256())))
        return file

    def _certificate(self, name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        at = datetime.now(UTC)
        builder = x509.CertificateBuilder(self._name, name, key.public_key(), x509.random_serial_number())
        return builder.not_valid_before(at - timedelta(days=1)).not_valid_after(at + timedelta(days=1))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
