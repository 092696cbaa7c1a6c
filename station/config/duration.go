package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that is written with its unit: "75s", "1h30m", or whole days as "30d".
type Duration time.Duration

const day = 24 * time.Hour

func seconds(n int) Duration { return Duration(time.Duration(n) * time.Second) }
func hours(n int) Duration   { return Duration(time.Duration(n) * time.Hour) }

// D is the duration as the standard library has it.
func (d Duration) D() time.Duration { return time.Duration(d) }

// String writes the duration so that [ParseDuration] reads it back: whole days as "30d", and "90s" rather than "1m30s".
func (d Duration) String() string {
	t := time.Duration(d)
	switch {
	case t != 0 && t%day == 0:
		return strconv.FormatInt(int64(t/day), 10) + "d"
	case t%time.Hour == 0 && t != 0:
		return strconv.FormatInt(int64(t/time.Hour), 10) + "h"
	case t%time.Second == 0:
		return strconv.FormatInt(int64(t/time.Second), 10) + "s"
	default:
		return t.String()
	}
}

// ParseDuration reads a duration with its unit: Go's units, and d for days.
func ParseDuration(s string) (Duration, error) {
	if n, ok := strings.CutSuffix(s, "d"); ok {
		days, err := strconv.ParseInt(n, 10, 32)
		if err != nil || days > int64(1<<63-1)/int64(day) || days < -int64(1<<63-1)/int64(day) {
			return 0, fmt.Errorf("%q is not a number of days", clip(s))
		}
		return Duration(time.Duration(days) * day), nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 90s, 5m or 30d", clip(s))
	}
	return Duration(d), nil
}
