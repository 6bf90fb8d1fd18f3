package main

import "strings"

// identify returns the SPDX identifiers of the licenses in a text, none if it has a license
// that is not allowed here. Allowed are licenses without conditions on the program that uses
// the software, other than to reproduce the text.
func identify(text string) []string {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, other := range []string{"gnu general public", "gnu lesser", "gnu affero", "mozilla public license version", "eclipse public license", "business source license", "server side public license", "commons clause"} {
		if strings.Contains(text, other) {
			return nil
		}
	}
	var ids []string
	for id, phrase := range map[string]string{
		"Apache-2.0": "apache license version 2.0, january 2004",
		"MIT":        "permission is hereby granted, free of charge, to any person obtaining a copy",
		"ISC":        "distribute this software for any purpose with or without fee is hereby granted",
	} {
		if strings.Contains(text, phrase) {
			ids = append(ids, id)
		}
	}
	if strings.Contains(text, "redistribution and use in source and binary forms, with or without modification, are permitted") {
		if strings.Contains(text, "to endorse or promote products") {
			ids = append(ids, "BSD-3-Clause")
		} else {
			ids = append(ids, "BSD-2-Clause")
		}
	}
	return ids
}
