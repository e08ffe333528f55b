"""iPOKE for Blender: poke a still, choose how it moves, bake it. Registers and unregisters; nothing else lives here."""


def register() -> None:
    """Add everything to Blender."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Take everything out of Blender again."""
    from . import registration

    registration.unregister()
