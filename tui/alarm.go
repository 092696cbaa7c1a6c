package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// alarm is what the station lets be heard.
type alarm struct {
	rung    time.Time
	playing bool
	again   bool
}

// bellGap is the shortest time between two bells: several at once sound like one, and some terminals flash.
const bellGap = 300 * time.Millisecond

// ring sounds the terminal's bell.
func (a *alarm) ring(now time.Time) tea.Cmd {
	if !a.rung.IsZero() && now.Sub(a.rung) < bellGap {
		return nil
	}
	a.rung = now
	return tea.Raw("\a")
}

// soundPlayed says that the sound has ended.
type soundPlayed struct{}

// sound plays the configured sound. While one plays, at most one more waits.
func (a *alarm) sound(play func()) tea.Cmd {
	switch {
	case play == nil:
		return nil
	case a.playing:
		a.again = true
		return nil
	}
	a.playing = true
	return func() tea.Msg { play(); return soundPlayed{} }
}

func (a *alarm) played(play func()) tea.Cmd {
	a.playing = false
	if !a.again {
		return nil
	}
	a.again = false
	return a.sound(play)
}
