"""A case in the formats of other programs: a FHIR bundle, DICOM, GeoJSON, COCO, Excel and pictures."""
