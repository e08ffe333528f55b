"""Values that are there while the add-on is enabled."""

import pytest

from blender_addon.core.lifetime import WhileEnabled


def test_a_value_is_there_while_the_addon_is_enabled_and_is_made_anew_each_time():
    value = WhileEnabled(list)
    assert not value.is_open
    with pytest.raises(AssertionError):
        value()
    value.open()
    value().append(1)
    assert value() == [1]
    assert value.is_open
    value.close()
    assert not value.is_open
    value.open()
    assert value() == []


def test_what_is_let_go_of_is_ended_once_and_what_was_not_made_is_not():
    ended = []
    value = WhileEnabled(dict, ended.append)
    value.close()
    value.open()
    value()["a"] = 1
    value.reset()
    assert value() == {}
    assert ended == [{"a": 1}]
    value.close()
    value.close()
    assert ended == [{"a": 1}, {}]
