"""The validated flow model and the catalogue of types. See README.md in this folder."""
