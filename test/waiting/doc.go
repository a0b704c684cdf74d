// Package waiting tests pulp-helper wait, as it is built for images, against real servers: those of the lab, and Debian's Redis and
// PostgreSQL.
package waiting
