"""The senders that are known here, by the name that a source's webhook gives."""

from collections.abc import Mapping

from service.vendors import amazon_connect, freeswitch, generic, genesys_cloud, shopify, square, toast, twilio
from service.vendors.reading.delivery import Adapter

_ALL: tuple[Adapter, ...] = (
    amazon_connect.ADAPTER,
    freeswitch.ADAPTER,
    generic.ADAPTER,
    genesys_cloud.ADAPTER,
    shopify.ADAPTER,
    square.ADAPTER,
    toast.ADAPTER,
    twilio.ADAPTER,
)
ADAPTERS: Mapping[str, Adapter] = {adapter.name: adapter for adapter in _ALL}
