package main

import (
	"os"

	"provstation/station/config"
	"provstation/station/words"
)

// sentences reads the catalogue of the language that the configuration names, or else of the one that the environment asks
// for. A language of the environment that has no catalogue is no mistake: English stands in.
func sentences(cfg *config.Config) (*words.Catalogue, error) {
	if cfg.Station.Locale != "" {
		return words.Load(cfg.Station.Locale)
	}
	return words.Load(words.Match(words.Wanted(os.Getenv)))
}
