"""The Streamlit app: reads runs and starts jobs, computes nothing."""
