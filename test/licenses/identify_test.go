package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestIdentifyFindsAllowedLicensesOnly(t *testing.T) {
	apache, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	const mit = "Permission is hereby granted, free of charge, to any person\n\tobtaining a copy of this software"
	const bsd = "Redistribution and use in source and binary forms, with or without\nmodification, are permitted provided that"
	for name, tt := range map[string]struct {
		text string
		want string
	}{
		"ours":         {string(apache), "Apache-2.0"},
		"MIT":          {mit, "MIT"},
		"two licenses": {mit + string(apache), "Apache-2.0 MIT"},
		"BSD":          {bsd + " the name may not be used to endorse or promote products", "BSD-3-Clause"},
		"short BSD":    {bsd, "BSD-2-Clause"},
		"ISC":          {"Permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby granted", "ISC"},
		"LGPL":         {"GNU LESSER GENERAL PUBLIC LICENSE\nVersion 3", ""},
		"added to MIT": {mit + "\n\nThe Software is provided under the Commons Clause", ""},
		"unknown":      {"All rights reserved.", ""},
	} {
		ids := identify(tt.text)
		slices.Sort(ids)
		if got := strings.Join(ids, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}
