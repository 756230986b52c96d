"""The senders that are known here, by the name that a source's webhook gives."""

from collections.abc import Mapping

from service.vendors import freeswitch, generic, shopify, square, toast
from service.vendors.delivery import Adapter

_ALL: tuple[Adapter, ...] = (
    freeswitch.ADAPTER,
    generic.ADAPTER,
    shopify.ADAPTER,
    square.ADAPTER,
    toast.ADAPTER,
)
ADAPTERS: Mapping[str, Adapter] = {adapter.name: adapter for adapter in _ALL}
