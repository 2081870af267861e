"""Any shape of data: folders, tables and archives become a Dataset, and a Dataset a Split."""
