"""What is asked for travels as text that every side takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.client import InvertRequest, ProtocolError, SampleRequest
from backend.client.request import readable
from backend.protocol import messages as m
from backend.protocol.codec import decode, encode
from ipoke_values import Sampling

ANY_NAME = st.text(st.characters(categories=None), max_size=200)


@given(ANY_NAME)
def test_the_name_of_a_clip_travels_whatever_it_is(name):
    parts = encode(InvertRequest("job", (b"one", b"two"), name).message())
    assert decode(parts, m.FROM_CLIENT).message.source == readable(name)


@pytest.mark.parametrize("name", ["take:2.mp4", "植物.png", "-o", "a b.png", "名前" * 64])
def test_a_name_that_can_be_read_stays_as_it_is(name):
    assert readable(name) == name


def test_a_model_whose_name_is_no_text_is_refused():
    request = SampleRequest("job", b"plate", "leaf.png", (m.Poke(0.5, 0.5, 0.1, 0.0),), None, 1, Sampling(7), model="\udcff")
    with pytest.raises(ProtocolError, match="model must be a text"):
        encode(request.message())
