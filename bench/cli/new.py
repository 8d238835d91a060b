"""`new`: a complete file to start from."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import app

_TEMPLATE = '''"""{name}: say here what the paper changes (Authors {year}, equation)."""

from bench.nn import MLP, NonSaturating, adam
from bench.variants import GAN, Positive, Share, register


@register("{name}")
class {title}(NonSaturating, MLP, GAN):
    """A plain GAN to start from: each method below may be changed or removed."""

    lr: Positive = 2e-4
    beta1: Share = 0.5

    def optimizer(self, network):
        return adam(network, self.lr, self.beta1)

    def penalty(self, real, fake, step):
        return None  # for example zero_centred_penalty(self.D, real) of bench.nn
'''


@app.command("new")
def new(
    what: Annotated[str, typer.Argument(help="What to write: variant.")],
    name: Annotated[str, typer.Argument(help="Name of the variant and of its file.")],
) -> None:
    """Write a template of a variant into the current folder.

    Example: ganbench new variant my_gan
    """
    from bench.errors import UserError, unknown

    if what != "variant":
        raise unknown("template", what, ["variant"])
    if not name.isidentifier():
        raise UserError(f"'{name}' cannot name the file: use letters, digits and '_' only.")
    path = Path(f"{name}.py")
    if path.exists():
        raise UserError(f"The file {path} exists already: choose another name or move it away.")
    path.write_text(template(name))
    print(f"Wrote {path}. Train it: ganbench run quick --plugin {path}")


def template(name: str) -> str:
    """A complete variant of that name."""
    from datetime import date

    title = "".join(part.capitalize() for part in name.split("_")) or "Variant"
    title = title if title.isidentifier() else f"Variant{title}"
    return _TEMPLATE.format(name=name, title=title, year=date.today().year)
