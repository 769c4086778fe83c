"""`io.kestra.plugin.serdes.*`: files of other formats to Ion rows and back. Listed in simulator.plugins.registry."""

from __future__ import annotations

_HERE = "simulator.plugins.serdes"
_TYPE = "io.kestra.plugin.serdes"

TYPES: dict[str, str] = {
    f"{_TYPE}.csv.CsvToIon": f"{_HERE}.csv:CsvToIon",
    f"{_TYPE}.csv.IonToCsv": f"{_HERE}.csv:IonToCsv",
    f"{_TYPE}.json.JsonToIon": f"{_HERE}.json:JsonToIon",
    f"{_TYPE}.json.IonToJson": f"{_HERE}.json:IonToJson",
    f"{_TYPE}.json.JsonToJsonl": f"{_HERE}.json:JsonToJsonl",
    f"{_TYPE}.json.JsonToToon": f"{_HERE}.toon:JsonToToon",
    f"{_TYPE}.json.ToonToJson": f"{_HERE}.toon:ToonToJson",
    f"{_TYPE}.avro.AvroToIon": f"{_HERE}.avro:AvroToIon",
    f"{_TYPE}.avro.IonToAvro": f"{_HERE}.avro:IonToAvro",
    f"{_TYPE}.avro.InferAvroSchemaFromIon": f"{_HERE}.avro:InferAvroSchemaFromIon",
    f"{_TYPE}.parquet.ParquetToIon": f"{_HERE}.parquet:ParquetToIon",
    f"{_TYPE}.parquet.IonToParquet": f"{_HERE}.parquet:IonToParquet",
    f"{_TYPE}.excel.ExcelToIon": f"{_HERE}.excel:ExcelToIon",
    f"{_TYPE}.excel.IonToExcel": f"{_HERE}.excel:IonToExcel",
    f"{_TYPE}.xml.XmlToIon": f"{_HERE}.xml:XmlToIon",
    f"{_TYPE}.xml.IonToXml": f"{_HERE}.xml:IonToXml",
    f"{_TYPE}.yaml.YamlToIon": f"{_HERE}.yaml:YamlToIon",
    f"{_TYPE}.yaml.IonToYaml": f"{_HERE}.yaml:IonToYaml",
    f"{_TYPE}.yaml.JsonToYaml": f"{_HERE}.yaml:JsonToYaml",
    f"{_TYPE}.yaml.YamlToJson": f"{_HERE}.yaml:YamlToJson",
    f"{_TYPE}.protobuf.ProtobufToIon": f"{_HERE}.protobuf:ProtobufToIon",
    f"{_TYPE}.markdown.MarkdownToHtml": f"{_HERE}.markdown:MarkdownToHtml",
    f"{_TYPE}.markdown.MarkdownToText": f"{_HERE}.markdown:MarkdownToText",
    f"{_TYPE}.markdown.HtmlToMarkdown": f"{_HERE}.markdown:HtmlToMarkdown",
}

ALIASES: dict[str, str] = {
    f"{_TYPE}.csv.CsvReader": f"{_TYPE}.csv.CsvToIon",
    f"{_TYPE}.csv.CsvWriter": f"{_TYPE}.csv.IonToCsv",
    f"{_TYPE}.json.JsonReader": f"{_TYPE}.json.JsonToIon",
    f"{_TYPE}.json.JsonWriter": f"{_TYPE}.json.IonToJson",
    f"{_TYPE}.avro.AvroReader": f"{_TYPE}.avro.AvroToIon",
    f"{_TYPE}.avro.AvroWriter": f"{_TYPE}.avro.IonToAvro",
    f"{_TYPE}.parquet.ParquetReader": f"{_TYPE}.parquet.ParquetToIon",
    f"{_TYPE}.parquet.ParquetWriter": f"{_TYPE}.parquet.IonToParquet",
    f"{_TYPE}.xml.XmlReader": f"{_TYPE}.xml.XmlToIon",
    f"{_TYPE}.xml.XmlWriter": f"{_TYPE}.xml.IonToXml",
}
