"""Certificates of a house's own authority, made with the `openssl` command. The only file that calls it."""

import datetime
import os
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from busbar_shared.config.load import BadConfig

DAYS = 3650
"""A house has nobody who renews; `busbar doctor` warns two months before, `busbar setup --renew` makes new ones."""

NO_OPENSSL = "the command openssl is needed to make certificates; install it"


def require_openssl() -> None:
    """Raises BadConfig where certificates cannot be made on this machine."""
    if shutil.which("openssl") is None:
        raise BadConfig(NO_OPENSSL)


def check_names(hosts: Sequence[str]) -> None:
    """Raises BadConfig for what can be no name or address in a certificate."""
    for host in hosts:
        if "%" in host or " " in host or _alternative(host).partition(":")[2] != host:
            raise BadConfig(f"--host: a name or an address (found {host!r})")


def make_authority(folder: Path, name: str) -> None:
    """Make ca.pem and ca.key, unless they are there. The key signs and is never given to a service.

    Raises BadConfig where one of them is missing: another authority would be unknown to everybody who trusts the first.
    """
    here = [name for name in ("ca.pem", "ca.key") if (folder / name).exists()]
    if len(here) == 2:
        return
    if here:
        raise BadConfig(
            f"{folder} has {here[0]} alone: put the other half beside it, or delete both for a new authority, "
            "which every device must then be told"
        )
    with tempfile.TemporaryDirectory() as made:
        config = Path(made) / "ca.cnf"
        config.write_text(
            "[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=ext\n[dn]\n"
            f"CN=Busbar authority of {_plain(name)}\n[ext]\nbasicConstraints=critical,CA:TRUE,pathlen:0\n"
            "keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
        )
        _openssl("req", "-x509", *_new_key(f"{made}/ca.key"), "-days", str(DAYS), "-config", str(config),
                 "-out", f"{made}/ca.pem")  # fmt: skip
        _put(made, folder, {"ca.key": 0o600, "ca.pem": 0o644})


def make_server(folder: Path, name: str, hosts: Sequence[str]) -> None:
    """Make NAME.pem and NAME.key for a server with these host names and addresses, signed by the authority."""
    with tempfile.TemporaryDirectory() as made:
        config = Path(made) / "server.cnf"
        config.write_text(
            f"[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN={_plain(hosts[0])}\n[ext]\n"
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            "extendedKeyUsage=serverAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
            f"subjectAltName={','.join(_alternative(host) for host in hosts)}\n"
        )
        _openssl("req", *_new_key(f"{made}/{name}.key"), "-config", str(config), "-out", f"{made}/asked.pem")
        _openssl("x509", "-req", "-in", f"{made}/asked.pem", "-CA", str(folder / "ca.pem"),
                 "-CAkey", str(folder / "ca.key"), "-set_serial", f"0x{os.urandom(16).hex()}",
                 "-days", str(DAYS), "-extfile", str(config), "-extensions", "ext",
                 "-out", f"{made}/{name}.pem")  # fmt: skip
        # Readable by the container's own user; the folder around it keeps others out.
        _put(made, folder, {f"{name}.key": 0o644, f"{name}.pem": 0o644})


def days_left(certificate: Path, now: datetime.datetime) -> float | None:
    """Until it ends, in days; None when it cannot be read."""
    if not certificate.exists() or shutil.which("openssl") is None:
        return None
    try:
        end = _openssl("x509", "-in", str(certificate), "-noout", "-enddate").strip().partition("=")[2]
        return (ssl.cert_time_to_seconds(end) - now.timestamp()) / 86_400
    except (BadConfig, ValueError):
        return None


def _new_key(file: str) -> tuple[str, ...]:
    # P-256: every charger and every MQTT device of the last ten years knows it, and the handshake is cheap.
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", file)


def _alternative(host: str) -> str:
    try:
        ip_address(host)
        return f"IP:{host}"
    except ValueError:
        return f"DNS:{_plain(host)}"


def _plain(text: str) -> str:
    """Without what openssl's configuration files would understand."""
    return "".join(one for one in text if one.isalnum() or one in " .-_*")[:60].strip() or "home"


def _put(made: str, folder: Path, modes: dict[str, int]) -> None:
    for name, mode in modes.items():
        # In place where it exists: a container sees the file it was started with, not another of the same name.
        target = folder / name
        target.touch(mode=mode)
        target.chmod(mode)
        target.write_bytes((Path(made) / name).read_bytes())


def _openssl(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["openssl", *arguments], capture_output=True, text=True, check=False, timeout=60
        )
    except FileNotFoundError as error:
        raise BadConfig(NO_OPENSSL) from error
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise BadConfig(f"openssl {arguments[0]}: {last[0]}")
    return done.stdout
