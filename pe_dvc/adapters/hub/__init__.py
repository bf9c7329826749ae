"""Hugging Face's hub, by huggingface_hub."""
