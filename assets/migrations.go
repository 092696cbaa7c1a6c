// Package assets holds what is built into the programs: database migrations, and beside them whatever else is embedded.
package assets

import "embed"

// Migrations holds the ledger's schema, one folder per database: migrations/sqlite, migrations/postgres. The same
// number means the same schema in each of them.
//
//go:embed migrations
var Migrations embed.FS
