#!/usr/bin/env bash
# Installs the other engines of bench/engines in one folder, which can be deleted:
#
#     bench/engines/peers.sh [FOLDER]        default: .cache/peers; about 7 GB
#     PYTHON=python3.11 bench/engines/peers.sh
#     NATIVE=1 bench/engines/peers.sh        also llama.cpp for this processor, from the
#                                            source in its Python package; needs cmake and a C++ compiler
#
# venv    a Python environment with the other engines; only binary packages are
#         installed, so nothing is compiled
# models  the shape of Flan-T5-small with seeded weights, and the same model
#         converted by CTranslate2
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-.cache/peers}
mkdir -p "$folder"

[ -x "$folder/venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --only-binary :all: \
    ctranslate2==4.8.5 transformers==5.24.0 torch==2.15.0 numpy==2.4.6 tokenizers==0.23.3 xllamacpp==2026.10.11549 \
    onnx==1.23.2 onnxruntime==1.32.0

go run ./bench/engines -write-t5 "$folder/models/flan-t5-small"
for precision in float32 int8; do
    "$folder/venv/bin/ct2-transformers-converter" --model "$folder/models/flan-t5-small" \
        --output_dir "$folder/models/ct2-$precision" --quantization "$precision" --force
done

if [ -n "${NATIVE:-}" ]; then
    "$folder/venv/bin/pip" download --quiet --no-deps --no-binary :all: --dest "$folder/source" llama-cpp-python==0.3.36
    tar -xzf "$folder/source/llama_cpp_python-0.3.36.tar.gz" -C "$folder/source"
    cmake -S "$folder/source/llama_cpp_python-0.3.36/vendor/llama.cpp" -B "$folder/llama.cpp" -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON \
        -DLLAMA_CURL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DBUILD_SHARED_LIBS=OFF
    cmake --build "$folder/llama.cpp" --target llama-server --parallel 2
    echo "native llama.cpp: $folder/llama.cpp/bin/llama-server, for -llama-server"
fi
