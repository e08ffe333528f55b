"""Owns who may have a place at the backend: so many clients, so many of a key, and who has to make room. No sockets."""

from __future__ import annotations

from collections.abc import Collection

from ..protocol import limits
from ..protocol.limits import MIB
from .clients import Client, Share
from .intake import SILENT_S

WAITING = Share(sure_bytes=8 * MIB, shared_bytes=128 * MIB)
"""What waits for all clients: beyond it the jobs of those that don't read are held."""
_WAITING_BYTES = 256 * MIB
"""What waits for all clients or is on its way to them: beyond it those that read nothing are given up."""
_SILENT_FOREIGNER_S = 30.0
_GONE_S = 18.0
_DEAF_S = 5.0


def who_makes_room(clients: Collection[Client], user: str, is_owner: bool, now_s: float) -> Client | None:
    """Whose place another client of the key `user` takes when places are short: one of its own that is gone or silent."""
    own = [client for client in clients if client.user == user]
    is_key_full = not is_owner and len(own) >= limits.CLIENTS_PER_KEY
    if not is_key_full and len(clients) < limits.CLIENTS:
        return None
    quiet = [client for client in own if client.is_gone or client.silent_s(now_s) > SILENT_S]
    if not quiet and not is_key_full:
        quiet = [client for client in clients if client.silent_s(now_s) > _SILENT_FOREIGNER_S]
    return max(quiet, key=lambda client: (client.is_gone, client.silent_s(now_s)), default=None)


def too_many(clients: Collection[Client], user: str, is_owner: bool) -> str:
    """Why one more client of a key gets no place; empty when it does."""
    own = sum(client.user == user for client in clients)
    if not is_owner and own >= limits.CLIENTS_PER_KEY:
        return f"{own} clients are connected with this key already; close one of them."
    if len(clients) >= limits.CLIENTS:
        return f"{limits.CLIENTS} clients are connected already; close one of them."
    return ""


def has_to_wait(client: Client, clients: Collection[Client]) -> bool:
    """True while no more should be made for a client, since it doesn't read."""
    others = [other.outbox_bytes for other in clients if other is not client]
    if client.held:
        return not (client.has_room and WAITING.has_room(2 * client.outbox_bytes, others))
    return client.is_full or not WAITING.has_room(client.outbox_bytes, others)


def is_lost(client: Client, idle_s: float, now_s: float) -> bool:
    """True for a client that is to be forgotten: it doesn't read, says nothing, or its connection has ended for good."""
    return client.is_hopeless or client.silent_s(now_s) > idle_s or client.gone_s(now_s) > _GONE_S


def one_too_many(clients: Collection[Client], now_s: float) -> Client | None:
    """The client that has read nothing for longest, when more waits for all of them than the front may hold."""
    if sum(client.waiting_bytes for client in clients) <= _WAITING_BYTES:
        return None
    deafest = min(clients, key=lambda client: client.read_at)
    return deafest if now_s - deafest.read_at > _DEAF_S else None
