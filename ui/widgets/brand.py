"""The app's mark: images, one of them selected. Drawn here, because Streamlit fetches icons from another site."""

from __future__ import annotations

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
    '<rect x="2" y="2" width="9" height="9" rx="2" fill="#8493a3"/>'
    '<rect x="13" y="2" width="9" height="9" rx="2" fill="#2f8fc4"/>'
    '<rect x="2" y="13" width="9" height="9" rx="2" fill="#8493a3"/>'
    '<rect x="13" y="13" width="9" height="9" rx="2" fill="#8493a3"/>'
    "</svg>"
)
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 112 24">'
    + ICON.partition(">")[2].removesuffix("</svg>")
    + '<text x="30" y="18.5" font-family="Source Sans, Source Sans Pro, system-ui, sans-serif" font-size="18" '
    'font-weight="700" fill="#2f8fc4">AutoTL</text></svg>'
)
