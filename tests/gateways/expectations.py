"""What the conformance suite has to be told of each gateway: ``<slug>/expected.py``.

Recordings and samples are named alike, ``stone/webhook-order-closed``. A name that the file leaves
out is empty, and then nothing is an exception: every delivery proves itself and gives facts.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from importlib import import_module
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The names of ``expected.py``, in lower case."""

    #: A secret of the form that the gateway's secrets have.
    secret: bytes
    #: What gives no facts -> the reason, as a regular expression.
    ignored: Mapping[str, str] = field(default_factory=dict)
    #: What cannot be read -> the name of the error's class.
    fails: Mapping[str, str] = field(default_factory=dict)
    #: Proven notices that tell too little: the gateway has to be asked.
    thin: AbstractSet[str] = frozenset()
    #: Notices that no secret can prove: the gateway has to be asked.
    unproven: AbstractSet[str] = frozenset()
    #: Recordings that are the same news as another: a redelivery, another spelling of the same.
    twins: Mapping[str, str] = field(default_factory=dict)
    #: Event words without a recording or a sample of their own.
    spellings: AbstractSet[str] = frozenset()
    #: Recordings that nobody sent to us: answers of the API, its errors included.
    not_webhooks: AbstractSet[str] = frozenset()
    #: Those of them that enter the inbox -> the resource they are (the header ``ANSWER``).
    answers: Mapping[str, str] = field(default_factory=dict)
    #: What has to be known of the question that an answer answers -> name -> text.
    notes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: An id of a sale as the gateway could have given it.
    reference: str = "7777777777"

    @property
    def asked_for(self) -> AbstractSet[str]:
        """What is only a hint: the facts come with the answer."""
        return {*self.thin, *self.unproven}

    @property
    def named(self) -> AbstractSet[str]:
        """Every recording or sample that is named at all."""
        mentioned = (self.ignored, self.fails, self.thin, self.unproven, self.twins, self.notes)
        return {*self.twins.values(), *self.not_webhooks}.union(*mentioned, self.answers)


def expected_of(slug: str) -> Expected:
    """Read ``expected.py`` of a gateway."""
    module = import_module(f"tests.gateways.{slug}.expected")
    told: dict[str, Any] = {
        one.name: getattr(module, one.name.upper())
        for one in fields(Expected)
        if hasattr(module, one.name.upper())
    }
    return Expected(**told)
