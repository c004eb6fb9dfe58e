package main

import (
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

type runtimeObject = runtime.Object

func evictionOf(name string) *policy.Eviction {
	return &policy.Eviction{ObjectMeta: meta.ObjectMeta{Name: name}}
}
