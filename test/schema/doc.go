// Package schema holds the JSON Schema of specs against what pulpimg itself says of them: its tests put the same specs through both. It is a
// module of its own, so that the validator stays out of pulpimg's requirements.
package schema
