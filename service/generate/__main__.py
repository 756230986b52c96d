"""`python -m service.generate`, in a checkout: write what is generated to where it is kept."""

from pathlib import Path

from service.generate.kpi_page import kpi_page

Path("docs/kpis.md").write_text(kpi_page(), encoding="utf-8")
