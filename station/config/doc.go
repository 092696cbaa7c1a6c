// Package config is the station's typed configuration: one YAML file, overridden by PROVSTATION_ variables and then by
// flags, read strictly and judged as a whole.
//
// An unknown key, a wrong type, a value out of bounds and a feature that this version does not have are all problems,
// and a load reports every one of them at once, with file and line. Nothing is guessed and nothing is ignored.
//
// Layers, later ones winning: built-in defaults, the file, the tenant profile that station.tenant selects, the
// environment, overrides by flag. [Sources] remembers which layer each key came from.
//
// Secrets never stand in a configuration: a key that holds one is refused with the way to refer to a file or an
// environment variable instead. So a Config may be shown, digested and written down as it is.
//
// Out of scope: reading the files that the configuration refers to, and reaching the servers it names.
package config
