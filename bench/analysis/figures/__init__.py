"""Every figure in one style: PNG for the page, PDF for a paper."""
