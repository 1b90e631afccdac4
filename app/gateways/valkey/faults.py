"""ValkeyUnavailable: what is wrong with Valkey, in words of the log and of `cruddur doctor`, and the remedy."""

from typing import Final

REMEDIES: Final = {
    "ReadOnlyError": "it is a replica, which takes no writes: VALKEY_URL must name the primary (writer) endpoint",
    "MasterDownError": "it is a replica that has lost its primary: VALKEY_URL must name the primary endpoint",
    "OutOfMemoryError": "it is full and evicts nothing: set maxmemory-policy to allkeys-lru, or raise maxmemory",
    "NoPermissionError": "grant the account the keys, channels and commands that docs/operations.md lists",
    "AuthenticationError": "it refuses the account: check user and password",
    "BusyLoadingError": "it still loads its data: wait",
    "ClusterDownError": "the cluster has slots without a primary: repair it",
    "UnknownCommand": "it is older than Redis 7, or no Valkey: use Valkey, or Redis 7 or newer",
    "SSLCertVerificationError": "its certificate is not valid for this address: use the name that the certificate has",
    "ConnectionRefusedError": "nothing listens at this address: check it, and start Valkey",
    "gaierror": "the name has no address: check the host",
    "Sentinel": "it is a Sentinel: VALKEY_URL must name the primary; docs/operations.md says how",
}
"""Remedies by the kind of fault."""

ACL_FAILURE: Final = "ACL failure in script: "
"""The beginning of the error of a script that may not run a command; at its end is a place in the script."""


class ValkeyUnavailable(Exception):
    """Valkey failed or did not answer in time. Whether a command was executed is unknown; callers go on without it."""

    def __init__(self, cause: str, detail: str = "") -> None:
        """`cause` is the kind of fault, `detail` what the server says about it, without values of commands."""
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.remedy = REMEDIES.get(cause, "")


def fault_of(error: BaseException) -> ValkeyUnavailable:
    """Return the fault that an error of the redis package or of the socket stands for."""
    text = str(error)
    if text.lower().startswith("unknown command"):
        return ValkeyUnavailable("UnknownCommand", text.partition(",")[0])  # what follows are its arguments
    if text.startswith(ACL_FAILURE):
        return ValkeyUnavailable("NoPermissionError", text.removeprefix(ACL_FAILURE).partition(" script:")[0])
    chain = [error]
    while earlier := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(earlier)
    kinds = [type(each).__name__ for each in chain]
    cause = next((kind for kind in reversed(kinds) if kind in REMEDIES), kinds[0])
    return ValkeyUnavailable(cause, text if cause == "NoPermissionError" else "")
