"""Operations as light records that a thread turns into OTLP: the request pays a quarter of an SDK span."""
