"""Folders with small models of the families that a hub has: real code, real file formats, random weights."""

import io
import json
import wave

import numpy as np
import open_clip
import torch
import transformers
from safetensors.torch import save_file

from encoders.text import minilm_folder
from tests.encoders.samples import drawn

OPEN_CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"layers": 1, "width": 32, "head_width": 16, "patch_size": 16, "image_size": 32},
    "text_cfg": {"layers": 1, "width": 32, "heads": 2},
}
SIDE = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
TEXT = SIDE | {"vocab_size": 30522, "max_position_embeddings": 20, "eos_token_id": 102}


def bert(folder):
    """As sentence-transformers writes it: MiniLM's tokenizer, the first token is the text's vector."""
    torch.manual_seed(0)
    transformers.BertModel(transformers.BertConfig(**TEXT, initializer_range=0.5)).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(minilm_folder()).save_pretrained(folder)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text('{"pooling_mode_cls_token": true}')


def open_clip_model(folder):
    """As open_clip's hub has them, and the model."""
    torch.manual_seed(0)
    model = open_clip.CLIP(**OPEN_CLIP).eval()
    about = {"model_cfg": OPEN_CLIP, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    (folder / "open_clip_config.json").write_text(json.dumps(about))
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return model


def transformers_clip(folder, family):
    """As `save_pretrained` writes a model of a family, with MiniLM's tokenizer and a processor of pictures."""
    vision = SIDE | {"image_size": 32, "patch_size": 16}
    configuration, build = {
        "clip": (transformers.CLIPConfig, transformers.CLIPModel),
        "siglip": (transformers.SiglipConfig, transformers.SiglipModel),
        "chinese_clip": (transformers.ChineseCLIPConfig, transformers.ChineseCLIPModel),
    }[family]
    torch.manual_seed(0)
    model = build(configuration(text_config=TEXT, vision_config=vision)).eval()
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(minilm_folder()).save_pretrained(folder)
    transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32).save_pretrained(folder)
    return model


def clap(folder):
    """Sounds and words in one space."""
    audio = {
        "spec_size": 64, "num_mel_bins": 16, "patch_embeds_hidden_size": 16, "hidden_size": 32, "depths": [1, 1],
        "num_attention_heads": [1, 2], "window_size": 4, "patch_size": 4, "patch_stride": [4, 4], "projection_dim": 16,
    }  # fmt: skip
    text = TEXT | {"max_position_embeddings": 66, "projection_dim": 16, "pad_token_id": 1}
    torch.manual_seed(0)
    model = transformers.ClapModel(
        transformers.ClapConfig(text_config=text, audio_config=audio, projection_dim=16)
    ).eval()
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(minilm_folder()).save_pretrained(folder)
    about = {"feature_size": 16, "max_length_s": 2, "sampling_rate": 48_000, "truncation": "rand_trunc"}
    transformers.ClapFeatureExtractor(**about).save_pretrained(folder)
    return model


def wav2vec2(folder):
    """Sounds alone."""
    torch.manual_seed(0)
    layers = {"conv_dim": (16, 16), "conv_stride": (5, 4), "conv_kernel": (10, 8), "num_feat_extract_layers": 2}
    positions = {"num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2}
    configuration = transformers.Wav2Vec2Config(**SIDE, **layers, **positions, vocab_size=32)
    model = transformers.Wav2Vec2Model(configuration).eval()
    model.save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(feature_size=1, sampling_rate=16_000).save_pretrained(folder)
    return model


def sound(seed, seconds=1.0, rate=16_000):
    """(samples,) a tone with harmonics that fades, from -1 to 1."""
    rng = np.random.default_rng(seed)
    at = np.arange(int(seconds * rate)) / rate
    tones = sum(rng.random() * np.sin(2 * np.pi * 110 * 2 ** rng.uniform(0, 3) * k * at) for k in range(1, 5))
    return (0.2 * tones * np.exp(-at * rng.uniform(0.5, 8))).astype(np.float32)


def wav(samples, rate=16_000):
    """The bytes of a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return out.getvalue()


def film(pictures, form="mp4", codec="mpeg4"):
    """The bytes of a film of these pictures, ten a second."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format=form) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = *pictures[0].size, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    return out.getvalue()


def moving(seed, frames=12):
    """A film of one picture that slides aside."""
    wide = drawn(seed, (96, 48))
    return film([wide.crop((2 * at, 0, 2 * at + 64, 48)) for at in range(frames)])
