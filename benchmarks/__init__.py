"""The figures of docs/performance.md, measured beside their goals."""
