"""How an endpoint is reached: by way of the proxy of the environment, or directly."""

import ipaddress
import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from rag.errors import ConfigError
from rag.optional_packages import install_command

_SCHEMES = {"socks": "socks5", "socks4": "", "socks4a": ""}
"""How proxy programs write it, and what the HTTP library calls it; "": it cannot do that."""


@dataclass(frozen=True, slots=True)
class Route:
    """`proxy` is "" if the endpoint is reached directly; `variable` names the setting that the proxy comes from."""

    proxy: str = ""
    variable: str = ""

    @property
    def client_options(self) -> dict[str, Any]:
        """The arguments of an HTTP client; what else the environment says about proxies does not concern it."""
        return {
            "proxy": self.proxy or None,
            "trust_env": False,
            "verify": httpx2.create_ssl_context(trust_env=True),  # SSL_CERT_FILE and SSL_CERT_DIR still count
        }

    @property
    def hint(self) -> str:
        """For messages about an endpoint that cannot be reached: the proxy, without its password; "" without one."""
        if not self.proxy:
            return ""
        return f" through the proxy {_without_password(self.proxy)} ({self.variable})"


def find_route(base_url: str) -> Route:
    """Return the route to an address. Loopback, and what NO_PROXY names, is never reached by way of a proxy.

    Raises ConfigError, in one line, if the proxy is of a kind that cannot be used.
    """
    try:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
    except ValueError:
        return Route()  # the first request will say that the address is invalid
    proxies = getproxies()
    variable = next((name for name in (parts.scheme, "all") if proxies.get(name)), "")
    if not variable or not host or _is_direct(host, proxies.get("no", "")):
        return Route()
    return Route(_usable(proxies[variable], _spelling(variable)), _spelling(variable))


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine.

    >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("10.0.0.5")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_direct(host: str, no_proxy: str) -> bool:
    if is_loopback(host) or proxy_bypass(host):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(_holds(entry.strip(), address) for entry in no_proxy.split(",") if "/" in entry)


def _holds(network: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _usable(proxy: str, variable: str) -> str:
    address = proxy.strip().strip("\"'")
    scheme, separator, rest = address.partition("://")
    if not separator:
        return f"http://{address}"
    scheme = _SCHEMES.get(scheme.lower(), scheme.lower())
    if scheme not in {"http", "https", "socks5", "socks5h"}:
        raise ConfigError(f"{variable}: {_without_password(address)} must begin with http:// or socks5://")
    if scheme.startswith("socks") and find_spec("socksio") is None:
        raise ConfigError(
            f"{variable}: the proxy {_without_password(address)} needs the extra `socks`; run: "
            f"{install_command('socks')}; or name the HTTP port of the proxy, or put the host into NO_PROXY"
        )
    return f"{scheme}://{rest}"


def _spelling(name: str) -> str:
    """Return the variable as the environment has it."""
    variable = f"{name}_proxy"
    return next((given for given in os.environ if given.lower() == variable), variable.upper())


def _without_password(proxy: str) -> str:
    scheme, separator, rest = proxy.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
