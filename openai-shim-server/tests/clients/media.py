#!/usr/bin/env python3
"""Runs speech, transcripts and pictures of OpenAI's SDK against the shim, in front of an upstream like Google's. media.py BINARY"""
import base64
import io
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import wave
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai

binary = sys.argv[1]
passed, requests = 0, []
SAMPLES = bytes(range(256)) * 400
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def check(name, ok, what=""):
    global passed
    if not ok:
        print(f"failed: {name}: {what!r}")
        print(f"{passed} passed, 1 failed")
        shim.terminate()
        sys.exit(1)
    passed += 1


def inline(media_type, data):
    return {"inlineData": {"mimeType": media_type, "data": base64.b64encode(data).decode()}}


class Upstream(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        requests.append((self.path, request))
        parts = request["contents"][0]["parts"]
        modalities = request.get("generationConfig", {}).get("responseModalities")
        candidate = {"finishReason": "STOP", "index": 0}
        if "forbidden" in parts[0]["text"]:
            candidate["finishReason"] = "IMAGE_SAFETY"
        elif modalities == ["AUDIO"]:
            candidate["content"] = {"parts": [inline("audio/L16;codec=pcm;rate=24000", SAMPLES)]}
        elif modalities == ["IMAGE"]:
            candidate["content"] = {"parts": [inline("image/png", PNG)]}
        else:
            candidate["content"] = {"parts": [{"text": "The quick brown fox."}]}
        counts = {"promptTokenCount": 7, "candidatesTokenCount": 5, "totalTokenCount": 12}
        body = json.dumps({"candidates": [candidate], "usageMetadata": counts}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
threading.Thread(target=upstream.serve_forever, daemon=True).start()
config = tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False)
config.write(
    f"""
listen = "127.0.0.1:18732"
[[upstream]]
name = "google"
base_url = "http://127.0.0.1:{upstream.server_port}/v1beta"
profile = "gemini"
models = ["gemini-tts", "gemini-flash", "gemini-image"]
"""
)
config.close()
shim = subprocess.Popen([binary, "--config", config.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
root = "http://127.0.0.1:18732"
for _ in range(100):
    try:
        urllib.request.urlopen(f"{root}/healthz")
        break
    except OSError:
        time.sleep(0.05)

client = openai.OpenAI(base_url=f"{root}/v1", api_key="any", max_retries=0)

speech = client.audio.speech.create(model="gemini-tts", voice="alloy", input="Hello", response_format="wav")
with wave.open(io.BytesIO(speech.content)) as file:
    format = (file.getframerate(), file.getnchannels(), file.getsampwidth())
    check("speech is a WAV file", format == (24000, 1, 2), format)
    check("speech has every sample", file.readframes(file.getnframes()) == SAMPLES)
with client.audio.speech.with_streaming_response.create(
    model="gemini-tts", voice="Kore", input="Hello", response_format="pcm", instructions="Slowly."
) as response:
    check("streamed speech", b"".join(response.iter_bytes(4096)) == SAMPLES)
    check("type of raw samples", response.headers["content-type"] == "audio/pcm", response.headers)
with client.audio.speech.with_streaming_response.create(
    model="gemini-tts", voice="Kore", input="Hello", response_format="pcm", stream_format="sse"
) as response:
    events = [json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: ")]
    audio = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    check("events of speech", audio == SAMPLES and events[-1]["type"] == "speech.audio.done", events[-1])
raw = client.audio.speech.with_raw_response.create(model="gemini-tts", voice="alloy", input="Hello")
check("the default format is WAV", raw.headers["content-type"] == "audio/wav", raw.headers)
check("with a warning", "param-clamped" in raw.headers["x-openai-shim-diagnostics"], raw.headers)
try:
    client.audio.speech.create(model="gemini-tts", voice="alloy", input="Hello", response_format="mp3")
    check("mp3 is refused", False)
except openai.BadRequestError as error:
    check("mp3 is refused", error.param == "response_format", error)

recording = ("a.mp3", b"ID3 sound", "audio/mpeg")
transcript = client.audio.transcriptions.create(model="gemini-flash", file=recording, language="en")
check("transcript", transcript.text == "The quick brown fox.", transcript)
check("usage of a transcript", transcript.usage.type == "tokens" and transcript.usage.total_tokens == 12, transcript)
text = client.audio.transcriptions.create(model="gemini-flash", file=recording, response_format="text")
check("transcript as text", text == "The quick brown fox.\n", text)
part = requests[-1][1]["contents"][0]["parts"][1]["inlineData"]
check("the recording", part == inline("audio/mpeg", b"ID3 sound")["inlineData"], part)
events = list(client.audio.transcriptions.create(model="gemini-flash", file=recording, stream=True))
check("events of a transcript", [e.type for e in events] == ["transcript.text.delta", "transcript.text.done"], events)
check("the whole transcript in the last event", events[-1].text == "The quick brown fox.", events)
english = client.audio.translations.create(model="gemini-flash", file=recording)
check("translation", english.text == "The quick brown fox." and "English" in requests[-1][1]["contents"][0]["parts"][0]["text"])
for format in ("srt", "vtt", "verbose_json", "diarized_json"):
    try:
        client.audio.transcriptions.create(model="gemini-flash", file=recording, response_format=format)
        check(f"{format} is refused", False)
    except openai.BadRequestError as error:
        check(f"{format} is refused", error.param == "response_format", error)

before = len(requests)
pictures = client.images.generate(model="gemini-image", prompt="A cat", n=2, size="1024x1024")
check("pictures", [base64.b64decode(item.b64_json) for item in pictures.data] == [PNG, PNG], pictures)
check("usage of pictures", pictures.usage.total_tokens == 24 and len(requests) == before + 2, pictures.usage)
ratio = requests[-1][1]["generationConfig"]["imageConfig"]["aspectRatio"]
check("ratio", ratio == "1:1", ratio)
url = client.images.generate(model="gemini-image", prompt="A cat", response_format="url").data[0].url
check("picture as an address", urllib.request.urlopen(url).read() == PNG, url)
edited = client.images.edit(model="gemini-image", prompt="Blue", image=[("a.png", PNG), ("b.png", PNG)])
check("edited picture", base64.b64decode(edited.data[0].b64_json) == PNG, edited)
check("pictures to edit", len(requests[-1][1]["contents"][0]["parts"]) == 3, requests[-1])
events = list(client.images.generate(model="gemini-image", prompt="A cat", stream=True))
check("events of pictures", [event.type for event in events] == ["image_generation.completed"], events)
try:
    client.images.edit(model="gemini-image", prompt="Blue", image=("a.png", PNG), mask=("m.png", PNG))
    check("mask is refused", False)
except openai.BadRequestError as error:
    check("mask is refused", error.param == "mask", error)
try:
    client.images.generate(model="gemini-image", prompt="forbidden")
    check("a filter's word is an error", False)
except openai.BadRequestError as error:
    check("a filter's word is an error", error.code == "moderation_blocked", error)
shim.terminate()
print(f"{passed} passed, 0 failed")
